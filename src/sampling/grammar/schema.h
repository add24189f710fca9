#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sampling/grammar/json_text.h"
#include "sampling/grammar/schema_goal.h"

namespace apr::grammar {

/// Turns schemas into rules for the values that fit them. docs/STRUCTURED_OUTPUT.md has the keywords.
///
/// What is written may be less than what the schema allows, never more: members stand in the order of the schema, and
/// come without those that it does not name unless it says additionalProperties; strings with a pattern have one
/// spelling.
///
/// errors  those of SchemaDocument; BadInput where no value fits
class SchemaCompiler {
 public:
  /// needs: both outlive it
  SchemaCompiler(const SchemaDocument& document, Rules& rules);

  /// JSON text of a value that fits all schemas of the goal.
  Expr json(const Goal& goal) { return value(goal, Spelling::Json); }
  /// The same, but a string stands without quotes and escapes, and holds none of `forbidden`.
  Expr raw(const Goal& goal) { return value(goal, Spelling::Raw); }
  std::vector<std::string> forbidden = {};

 private:
  friend class ObjectWriter;
  Expr value(const Goal& goal, Spelling spelling);
  Expr shape(const Shape& shape, Spelling spelling);
  Expr listed_values(const Shape& shape, Spelling spelling);
  Expr text(const Shape& shape, Spelling spelling);
  Expr array(const Shape& shape);
  Expr items_after(const Shape& shape, size_t place, size_t own_places);
  Expr different_items(const Shape& shape, size_t own_places);

  const SchemaDocument& document_;
  Rules& rules_;
  FreeValues free_;
  std::map<std::pair<std::vector<const Json*>, Spelling>, int> known_;
};

/// The rules for JSON text that fits a schema, from its first character to its last.
Rules rules_of_schema(const Json& schema);

}  // namespace apr::grammar
