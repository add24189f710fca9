#pragma once
#include "sampling/grammar/rules.h"

namespace apr::grammar {

/// How deep values nest that no schema describes: readers of JSON have limits of their own.
constexpr int kFreeDepth = 12;

/// What may stand between the parts of a JSON text: nothing, a space, or a new line with up to 20 spaces. (Models were
/// trained on indented text as well as on dense; without an end to it, some would go on with spaces forever.)
Expr gap();
/// Behind a colon: nothing or a space.
Expr colon();
/// One character of a string's inside, in any spelling that JSON has for it.
Expr string_character();
/// A string of so many characters, with its quotes.
Expr any_string(uint32_t least = 0, uint32_t most = Expr::kEndless);
/// A list in brackets or braces, of items that may each stand alone: least to most of them, apart by commas.
Expr listed(const Expr& item, char open, char close, uint32_t least = 0, uint32_t most = Expr::kEndless);

/// Rules for values without a schema, added when first asked for.
class FreeValues {
 public:
  explicit FreeValues(Rules& rules) : rules_(rules) {}
  Expr value();

 private:
  Rules& rules_;
  int rule_ = -1;
};

}  // namespace apr::grammar
