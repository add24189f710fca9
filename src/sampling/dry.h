#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "sampling/params.h"
#include "sampling/scores.h"

namespace apr::sampling {

/// DRY, "don't repeat yourself": a token is penalised when it would go on with something that was said before.
///
/// Where the last n tokens stand once more earlier in the window, the token that followed there would make the repeat
/// longer. Of n >= dry_allowed_length (the longest such n of a token counts):
///
///   logit - dry_multiplier * dry_base ^ (n - dry_allowed_length), at most 1e30 of it
///
/// A repeat does not go across a token of dry_breakers, and such tokens are not penalised themselves.
///
/// needs   the same vocabulary in each call
/// cost    linear in the window: a Z-function of the history read backwards (Gusfield 1997, section 1.4)
/// errors  none; tokens outside the vocabulary are never penalised
/// source  the sampler of that name by P. E. Weidmann (text-generation-webui, pull request 5677)
class Dry {
 public:
  void apply(std::span<const Token> history, const Params& params, Scores& scores);

 private:
  void find_repeats(std::span<const Token> history, const Params& params, size_t most);
  void note(Token next, size_t length);
  std::vector<uint32_t> lengths_;  ///< [window] by the distance from the end: how much stands there once more
  std::vector<uint32_t> longest_;  ///< [V] of the repeats that each token would go on with; 0: none that counts
  std::vector<Token> found_;       ///< tokens whose longest_ is not 0
};

}  // namespace apr::sampling
