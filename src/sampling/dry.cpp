#include "sampling/dry.h"

#include <algorithm>

#include "sampling/mask.h"

namespace apr::sampling {
namespace {

/// More than any logit, yet a number: a token that a grammar leaves as the only one can still be chosen.
constexpr double kMost = 1e30;

/// base^n by squaring, at most kMost: the same on every machine, which std::pow does not promise.
double power(double base, size_t n) {
  double result = 1;
  for (; n > 0; n >>= 1) {
    if (n & 1) result = std::min(result * base, kMost);
    base = std::min(base * base, kMost);
  }
  return result;
}

bool breaks(const Params& p, Token token, size_t vocabulary) {
  return !p.dry_breakers.empty() && token >= 0 && size_t(token) < vocabulary && holds(p.dry_breakers, token);
}

}  // namespace

void Dry::apply(std::span<const Token> history, const Params& p, Scores& scores) {
  if (p.dry_multiplier == 0 || p.dry_window == 0) return;
  if (p.dry_window > 0 && history.size() > size_t(p.dry_window)) history = history.last(size_t(p.dry_window));
  longest_.resize(scores.size());
  size_t most = 0;  // so many of the last tokens can be part of a repeat
  while (most < history.size() && !breaks(p, history[history.size() - 1 - most], scores.size())) ++most;
  if (most < size_t(p.dry_allowed_length)) return;
  find_repeats(history, p, most);
  for (const Token token : found_) {
    const size_t beyond = longest_[size_t(token)] - size_t(p.dry_allowed_length);
    longest_[size_t(token)] = 0;
    const double penalty = std::min(double(p.dry_multiplier) * power(double(p.dry_base), beyond), kMost);
    if (!breaks(p, token, scores.size())) scores.set(size_t(token), scores[size_t(token)] - float(penalty));
  }
  found_.clear();
}

/// lengths_[i]: how many tokens before the i-th from the end are the same as the last ones. A stretch [left, right)
/// that is known to be the same as the last tokens tells what lies in it without comparing again.
void Dry::find_repeats(std::span<const Token> history, const Params& p, size_t most) {
  const size_t n = history.size();
  auto back = [&](size_t i) { return history[n - 1 - i]; };
  lengths_.resize(n);
  for (size_t i = 1, left = 0, right = 0; i < n; ++i) {
    size_t length = i < right ? std::min(right - i, size_t(lengths_[i - left])) : 0;
    while (length < most && i + length < n && back(length) == back(i + length)) ++length;
    if (i + length > right) left = i, right = i + length;
    lengths_[i] = uint32_t(length);
    if (length >= size_t(p.dry_allowed_length)) note(back(i - 1), length);
  }
}

void Dry::note(Token next, size_t length) {
  if (next < 0 || size_t(next) >= longest_.size()) return;
  uint32_t& longest = longest_[size_t(next)];
  if (longest == 0) found_.push_back(next);
  longest = std::max(longest, uint32_t(length));
}

}  // namespace apr::sampling
