#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "sampling/choice.h"

namespace apr::sampling {

/// What the model itself thought of a token, and of the likeliest others.
struct Logprobs {
  struct Entry {
    Token id;
    double logprob;
  };
  double chosen = 0;
  std::vector<Entry> top;  ///< most probable first, ties to the lower id; without tokens of logit -infinity
};

/// Reads them off logits: the natural logarithm of softmax(logits), before penalties, bias, masks, temperature and
/// cuts, which is what OpenAI's and vLLM's servers mean by a logprob.
///
/// units   nats; within 1e-9 of the exact value
/// needs   top <= kMostTop
/// errors  none
/// threads one user at a time; keeps its memory from token to token
class LogprobReader {
 public:
  static constexpr int kMostTop = 100;
  Logprobs read(std::span<const float> logits, Token chosen, size_t top);

 private:
  Choice choice_;
};

}  // namespace apr::sampling
