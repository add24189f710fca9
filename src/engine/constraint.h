#pragma once
#include "engine/engine.h"
#include "sampling/mask.h"

namespace apr::engine {

/// What an answer may be, token by token: a grammar, for instance.
///
/// It is asked once for each token, in their order, and told only of tokens that were chosen, never of guesses. So it
/// need not be able to go back, and an answer is the same with speculation as without.
///
/// threads those of generate()
class Constraint {
 public:
  virtual ~Constraint() = default;
  /// The tokens that may come next, when `left` tokens, this one included, are all that the answer has room for; valid
  /// until the next call. Tokens beyond its last word may not; of stop tokens may_end() alone decides. Not empty.
  virtual sampling::Mask mask(size_t left) = 0;
  /// Whether the answer may end here. Where no token may come, it does then.
  virtual bool may_end() = 0;
  /// Goes on with a token that mask() held.
  virtual void accept(Token token) = 0;
};

}  // namespace apr::engine
