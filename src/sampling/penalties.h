#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sampling/params.h"
#include "sampling/scores.h"

namespace apr::sampling {

/// Repetition, presence and frequency penalties. How often each token stands in the window is counted as the history
/// grows, so that a long one costs no more than the different tokens in it.
///
///   logit > 0 ? logit / repetition : logit * repetition, once for a token that was seen   (arXiv:1909.05858)
///   - presence - frequency * occurrences
///
/// needs   one sequence: each history begins with the one of the call before; the same vocabulary
/// errors  none; tokens outside the vocabulary count for nothing
class Penalties {
 public:
  void apply(std::span<const Token> history, const Params& params, Scores& scores);

 private:
  void add(Token token);
  void remove(Token token);
  size_t begin_ = 0, end_ = 0;    ///< of the part of the history that is counted
  std::vector<uint32_t> counts_;  ///< [V]
  std::vector<uint32_t> places_;  ///< [V] in seen_, of those that are there
  std::vector<Token> seen_;       ///< each once, in no order
};

}  // namespace apr::sampling
