#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sampling/grammar/char_automaton.h"
#include "sampling/grammar/numbers.h"

namespace apr::grammar {

using Json = nlohmann::ordered_json;

/// A schema, and where it stands: "schema/properties/path".
struct Ref {
  const Json* schema;
  std::string where;
};
/// Schemas, all of which a value has to fit.
using Goal = std::vector<Ref>;

/// The kinds of values, a bit each. A number is an integer or has a fraction.
enum Types : unsigned {
  kNull = 1,
  kBoolean = 2,
  kInteger = 4,
  kFraction = 8,
  kNumber = kInteger | kFraction,
  kString = 16,
  kArray = 32,
  kObject = 64,
  kAllTypes = 127
};
unsigned type_of(const Json& value);

/// One way to fit a goal: what its schemas say themselves, put together, with no choice between schemas left.
struct Shape {
  Goal parts;  ///< the schemas, for what they say of members and items
  unsigned types = kAllTypes;
  std::optional<std::vector<const Json*>> values;  ///< enum and const: one of these
  uint32_t least_length = 0, most_length = Expr::kEndless;
  struct Pattern {
    std::string text, where;
  };
  std::vector<Pattern> patterns;  ///< of "pattern" and "format"
  NumberBounds number;
  std::string number_where;
  uint32_t least_items = 0, most_items = Expr::kEndless;
  bool unique_items = false;
  uint32_t least_members = 0, most_members = Expr::kEndless;

  /// Adds what a schema says, but for $ref, allOf, anyOf, oneOf, members and items.
  /// errors  BadInput for keywords whose value is wrong; UnsupportedOperation for those that are not built
  void add(const Ref& ref);
  /// A schema that names no type, but speaks of one kind of value only, is taken to mean that kind.
  void settle();

 private:
  void add_values(const Ref& ref);
  void add_text(const Ref& ref);
  void add_number(const Ref& ref);
  void add_counts(const Ref& ref);
  bool typed_ = false;
  unsigned spoken_of_ = 0;  ///< the types that keywords are about
};

/// The texts that the length and patterns of a shape allow.
CharAutomaton texts_of(const Shape& shape);

// What a keyword holds, or null where it is not there. errors: BadInput for another kind of value
const Json* keyword(const Ref& ref, const char* name);
std::optional<std::string> text_keyword(const Ref& ref, const char* name);
std::optional<uint32_t> count_keyword(const Ref& ref, const char* name);
const Json* list_keyword(const Ref& ref, const char* name);
const Json* object_keyword(const Ref& ref, const char* name);
/// The schema below a keyword. errors: BadInput where it is no schema
Ref below(const Ref& ref, std::string_view keyword);
Ref below(const Ref& ref, std::string_view keyword, const std::string& member);
Ref below(const Ref& ref, std::string_view keyword, size_t index);

}  // namespace apr::grammar
