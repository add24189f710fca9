#pragma once
#include <map>
#include <string>
#include <vector>

#include "sampling/grammar/schema_shape.h"

namespace apr::grammar {

/// A JSON Schema, draft 2020-12, as one document: finds what its references mean, and the ways to fit its schemas.
///
/// trust   untrusted
/// needs   the document to outlive it
/// errors  BadInput: what is no schema, or refers to nothing; UnsupportedOperation: what is not built. Both begin with
///         the place, such as "schema/properties/path/not"
class SchemaDocument {
 public:
  static constexpr size_t kMostShapes = 2000, kMostTries = 50'000;
  static constexpr int kDeepest = 200;
  /// `name` stands for the document in messages.
  explicit SchemaDocument(const Json& document, const std::string& name = "schema");

  Ref root() const { return root_; }
  /// The ways to fit a goal: references followed, all choices between schemas made. Empty: nothing fits.
  std::vector<Shape> shapes(const Goal& goal) const;
  /// Whether a value fits all schemas of a goal.
  bool fits(const Json& value, const Goal& goal) const;

 private:
  struct Open;
  void expand(Open open, std::vector<Shape>& out, size_t& tries) const;
  bool follow(Open& open) const;
  Ref resolve(const Ref& from) const;
  void check_apart(const Ref& ref, const std::vector<Ref>& branches, const Goal& beside, bool choices_open) const;
  bool misses(const Shape& made, const Shape& other, bool keys_known, int depth) const;
  bool members_miss(const Shape& made, const Shape& other, bool keys_known, int depth) const;
  bool fits(const Json& value, const Ref& ref, int depth) const;
  bool fits_choices(const Json& value, const Ref& ref, int depth) const;
  bool fits_parts(const Json& value, const Ref& ref, int depth) const;

  Ref root_;
};

/// What the schemas of an object say of one of its members. nullopt: it may not be there.
std::optional<Goal> member_goal(const Goal& parts, const std::string& name);
bool is_required(const Goal& parts, const std::string& name);
/// In the order of the schemas, each once: those with a schema of their own, then those that are merely required.
std::vector<std::string> member_names(const Goal& parts);
/// The item at a place of an array.
Goal item_goal(const Goal& parts, size_t place);

}  // namespace apr::grammar
