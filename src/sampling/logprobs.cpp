#include "sampling/logprobs.h"

#include <algorithm>
#include <cmath>

namespace apr::sampling {

Logprobs LogprobReader::read(std::span<const float> logits, Token chosen, size_t top) {
  Scores& scores = choice_.scores();
  scores.assign(logits);
  scores.settle();
  choice_.begin(1);
  const double log_total = std::log(scores.sum_exp(1, kExact).value);
  auto logprob = [&](float logit) { return choice_.exponent_of(logit) - log_total; };
  Logprobs found{logprob(scores[size_t(chosen)]), {}};
  if (top == 0) return found;
  choice_.gather(scores.reached_by(top));
  choice_.sort_to(top);
  const size_t n = std::min(top, choice_.list().size());
  found.top.reserve(n);
  for (size_t i = 0; i < n; ++i) found.top.push_back({choice_.list()[i].id, logprob(choice_.list()[i].logit)});
  return found;
}

}  // namespace apr::sampling
