#pragma once
#include <optional>
#include <string>
#include <vector>

#include "sampling/grammar/schema.h"

namespace apr::grammar {

/// Writes the rules for the objects of one shape: members in their order, each there or not, then further ones where
/// the schema has a place for them.
class ObjectWriter {
 public:
  ObjectWriter(SchemaCompiler& compiler, const Shape& shape);
  Expr build();

  /// A member that a schema names, or requires.
  struct Member {
    std::string name;
    Goal goal;
    bool required;
  };
  /// Those that may be there. nullopt: one that must be there may not.
  static std::optional<std::vector<Member>> members_of(const SchemaDocument& document, const Shape& shape);

 private:
  bool more_allowed() const;
  std::optional<Expr> further_member();
  Expr end_after(uint32_t count, const std::optional<Expr>& further) const;
  Expr member_text(const Member& member);

  SchemaCompiler& compiler_;
  const Shape& shape_;
};

}  // namespace apr::grammar
