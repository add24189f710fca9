#include "sampling/penalties.h"

#include <algorithm>

namespace apr::sampling {

void Penalties::add(Token token) {
  if (token < 0 || size_t(token) >= counts_.size()) return;
  if (counts_[size_t(token)]++ > 0) return;
  places_[size_t(token)] = uint32_t(seen_.size());
  seen_.push_back(token);
}

void Penalties::remove(Token token) {
  if (token < 0 || size_t(token) >= counts_.size()) return;
  if (--counts_[size_t(token)] > 0) return;
  const uint32_t place = places_[size_t(token)];
  seen_[place] = seen_.back();
  places_[size_t(seen_[place])] = place;
  seen_.pop_back();
}

void Penalties::apply(std::span<const Token> history, const Params& p, Scores& scores) {
  const bool off = p.repetition_penalty == 1 && p.presence_penalty == 0 && p.frequency_penalty == 0;
  if (off || p.penalty_window == 0) return;
  if (counts_.empty()) {
    counts_.resize(scores.size());
    places_.resize(scores.size());
    seen_.reserve(scores.size());
  }
  const size_t window = p.penalty_window < 0 ? history.size() : std::min(history.size(), size_t(p.penalty_window));
  const size_t begin = history.size() - window;
  for (; begin_ < begin; ++begin_) {
    if (begin_ < end_) remove(history[begin_]);
  }
  end_ = std::max(end_, begin);  // what the window has left behind was never counted
  for (; end_ < history.size(); ++end_) add(history[end_]);
  for (const Token token : seen_) {
    float logit = scores[size_t(token)];
    logit = logit > 0 ? logit / p.repetition_penalty : logit * p.repetition_penalty;
    logit -= p.presence_penalty + p.frequency_penalty * float(counts_[size_t(token)]);
    scores.set(size_t(token), logit);
  }
}

}  // namespace apr::sampling
