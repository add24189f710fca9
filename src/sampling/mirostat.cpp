#include "sampling/mirostat.h"

#include <algorithm>
#include <cmath>

namespace apr::sampling {

namespace {

/// Of the scores that weigh at least `least`. Where a text surprises less than it should, mu grows until nothing to
/// speak of is cut, and so much would have to be weighed; then what is cut is a small error of the sum.
Token draw_from(Choice& choice, double least, double part, double total) {
  const double unsure = least * double(choice.scores().size());
  if (unsure < 1e-4 * total) {
    const Token token = choice.draw_by_blocks(part, kExact, unsure);
    if (token >= 0 && choice.weight_of(choice.scores()[size_t(token)]) >= least) return token;
  }
  choice.gather(choice.score_of(least));
  choice.weigh();
  choice.keep_if([&](size_t i) { return choice.weights()[i] >= least; });
  return choice.draw(part);
}

}  // namespace

Token Mirostat::draw(Choice& choice, double part) {
  const double total = choice.scores().sum_exp(choice.temperature(), kExact).value;
  const double least = std::min(1.0, total * std::exp2(-mu_));  // the most probable weighs 1
  const Token token = draw_from(choice, least, part, total);
  const double surprise = std::log2(total / choice.weight_of(choice.scores()[size_t(token)]));
  mu_ -= eta_ * (surprise - tau_);
  return token;
}

}  // namespace apr::sampling
