#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "sampling/random.h"
#include "sampling/sampler.h"

namespace apr::sampling {

/// The meaning of sampling::Sampler in the plainest code: every stage goes over all that is left, one at a time, and
/// sorts where order matters.
class PlainSampler {
 public:
  explicit PlainSampler(Params params);
  void accept(Token token);
  Token pick(std::span<const float> logits);

 private:
  struct Candidate {
    float logit;
    Token id;
  };
  static bool better(const Candidate& a, const Candidate& b);
  void adjust(std::span<const float> logits);
  void penalise();
  Token largest() const;
  void keep_top_k();
  void weigh();
  void keep_nucleus();
  void drop_improbable();
  Token draw();

  Params params_;
  Random random_;
  std::vector<Token> history_;
  std::vector<float> adjusted_;
  std::vector<Token> seen_;
  std::vector<Candidate> candidates_;  ///< what is left; best first where a stage needs it, else by id
  std::vector<double> weights_;
};

inline PlainSampler::PlainSampler(Params params) : params_(std::move(params)), random_(params_.seed) {}

inline void PlainSampler::accept(Token token) { history_.push_back(token); }

inline bool PlainSampler::better(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

inline Token PlainSampler::pick(std::span<const float> logits) {
  adjust(logits);
  if (params_.temperature == 0) return largest();
  candidates_.clear();
  for (size_t i = 0; i < adjusted_.size(); ++i) {
    if (adjusted_[i] != kBanned) candidates_.push_back({adjusted_[i], Token(i)});
  }
  if (candidates_.empty()) return -1;
  keep_top_k();
  weigh();
  keep_nucleus();
  drop_improbable();
  return draw();
}

/// adjusted_ = logits after penalties and bias.
inline void PlainSampler::adjust(std::span<const float> logits) {
  adjusted_.assign(logits.begin(), logits.end());
  for (float& logit : adjusted_) {
    if (std::isnan(logit)) logit = kBanned;
  }
  penalise();
  for (const auto& [id, bias] : params_.logit_bias) adjusted_[size_t(id)] += bias;
  // What overflowed is the largest there is: differences of infinities would be no numbers.
  for (float& logit : adjusted_)
    logit = std::isnan(logit) ? kBanned : std::min(logit, std::numeric_limits<float>::max());
}

inline void PlainSampler::penalise() {
  const bool off = params_.repetition_penalty == 1 && params_.presence_penalty == 0 && params_.frequency_penalty == 0;
  if (off || params_.penalty_window == 0) return;
  const size_t window =
      params_.penalty_window < 0 ? history_.size() : std::min(history_.size(), size_t(params_.penalty_window));
  seen_.assign(history_.end() - std::ptrdiff_t(window), history_.end());
  std::sort(seen_.begin(), seen_.end());
  for (size_t i = 0; i < seen_.size();) {
    size_t end = i;
    while (end < seen_.size() && seen_[end] == seen_[i]) ++end;
    if (seen_[i] >= 0 && size_t(seen_[i]) < adjusted_.size()) {
      float& logit = adjusted_[size_t(seen_[i])];
      logit = logit > 0 ? logit / params_.repetition_penalty : logit * params_.repetition_penalty;
      logit -= params_.presence_penalty + params_.frequency_penalty * float(end - i);
    }
    i = end;
  }
}

inline Token PlainSampler::largest() const {
  size_t best = 0;
  for (size_t i = 1; i < adjusted_.size(); ++i) {
    if (adjusted_[i] > adjusted_[best]) best = i;
  }
  return adjusted_[best] == kBanned ? -1 : Token(best);
}

inline void PlainSampler::keep_top_k() {
  const size_t k = size_t(params_.top_k);
  if (k == 0 || k >= candidates_.size()) return;
  std::nth_element(candidates_.begin(), candidates_.begin() + std::ptrdiff_t(k), candidates_.end(), better);
  candidates_.resize(k);
  std::sort(candidates_.begin(), candidates_.end(), better);  // the selection's own order is the library's affair
}

/// weights_[i] = p_i / p_max = exp((logit - largest logit) / temperature).
inline void PlainSampler::weigh() {
  if (params_.top_p < 1) std::sort(candidates_.begin(), candidates_.end(), better);
  const float most = std::max_element(candidates_.begin(), candidates_.end(), [](auto& a, auto& b) {
                       return a.logit < b.logit;
                     })->logit;
  weights_.clear();
  for (const Candidate& c : candidates_)
    weights_.push_back(std::exp((double(c.logit) - double(most)) / double(params_.temperature)));
}

inline void PlainSampler::keep_nucleus() {
  if (params_.top_p == 1) return;
  double total = 0, sum = 0;
  for (double w : weights_) total += w;
  size_t keep = 0;
  while (keep < weights_.size() && (keep == 0 || sum < double(params_.top_p) * total)) sum += weights_[keep++];
  candidates_.resize(keep);
  weights_.resize(keep);
}

inline void PlainSampler::drop_improbable() {
  size_t kept = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] < double(params_.min_p)) continue;
    candidates_[kept] = candidates_[i];
    weights_[kept++] = weights_[i];
  }
  candidates_.resize(kept);
  weights_.resize(kept);
}

inline Token PlainSampler::draw() {
  double total = 0;
  for (double w : weights_) total += w;
  double left = random_.uniform() * total;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    left -= weights_[i];
    if (left < 0) return candidates_[i].id;
  }
  return candidates_.back().id;  // rounding used up the last hair's breadth
}

}  // namespace apr::sampling
