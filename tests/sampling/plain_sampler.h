#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "sampling/mask.h"
#include "sampling/random.h"
#include "sampling/sampler.h"

namespace apr::sampling {

/// The meaning of sampling::Sampler in the plainest code: every stage goes over all that is left, one at a time, and
/// sorts where order matters.
class PlainSampler {
 public:
  explicit PlainSampler(Params params);
  void accept(Token token);
  Token pick(std::span<const float> logits, Mask mask = {});

 private:
  struct Candidate {
    float logit;
    Token id;
  };
  static bool better(const Candidate& a, const Candidate& b);
  void adjust(std::span<const float> logits, Mask mask);
  void penalise();
  void penalise_repeats();
  bool breaks(Token token) const;
  Token largest() const;
  void keep_top_k();
  void weigh();
  void keep_nucleus();
  void drop_improbable();
  void keep_typical();
  void exclude_top();
  Token draw(double part);
  Token draw_by_mirostat(double part);
  double total() const;
  void keep(const std::vector<bool>& stays);

  Params params_;
  Random random_, xtc_random_;
  double mu_;
  std::vector<Token> history_;
  std::vector<float> adjusted_;
  std::vector<Token> seen_;
  std::vector<Candidate> candidates_;  ///< what is left; best first where a stage needs it, else by id
  std::vector<double> weights_;
  float largest_logit_ = 0;
};

inline PlainSampler::PlainSampler(Params params)
    : params_(std::move(params)),
      random_(params_.seed),
      xtc_random_(params_.seed ^ 0xf39cc0605cedc834),
      mu_(2 * double(params_.mirostat_tau)) {}

inline void PlainSampler::accept(Token token) { history_.push_back(token); }

inline bool PlainSampler::better(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

inline Token PlainSampler::pick(std::span<const float> logits, Mask mask) {
  adjust(logits, mask);
  if (params_.temperature == 0) return largest();
  candidates_.clear();
  for (size_t i = 0; i < adjusted_.size(); ++i) {
    if (adjusted_[i] != kBanned) candidates_.push_back({adjusted_[i], Token(i)});
  }
  if (candidates_.empty()) return -1;
  const double part = random_.uniform();
  if (params_.mirostat_tau > 0) return draw_by_mirostat(part);
  keep_top_k();
  weigh();
  keep_nucleus();
  drop_improbable();
  keep_typical();
  if (params_.xtc_probability > 0 && xtc_random_.uniform() < double(params_.xtc_probability)) exclude_top();
  return draw(part);
}

/// NaN is banned. What overflowed is the largest there is: differences of infinities would be no numbers.
inline float usable(float logit) {
  return std::isnan(logit) ? kBanned : std::min(logit, std::numeric_limits<float>::max());
}

/// adjusted_ = logits after penalties, DRY, bias and mask.
inline void PlainSampler::adjust(std::span<const float> logits, Mask mask) {
  adjusted_.assign(logits.begin(), logits.end());
  for (float& logit : adjusted_) logit = usable(logit);
  penalise();
  penalise_repeats();
  for (const auto& [id, bias] : params_.logit_bias) adjusted_[size_t(id)] = usable(adjusted_[size_t(id)] + bias);
  for (size_t i = 0; i < adjusted_.size() && !mask.empty(); ++i) {
    if (!holds(mask, Token(i))) adjusted_[i] = kBanned;
  }
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
      logit = usable(logit - (params_.presence_penalty + params_.frequency_penalty * float(end - i)));
    }
    i = end;
  }
}

inline bool PlainSampler::breaks(Token token) const {
  return !params_.dry_breakers.empty() && token >= 0 && size_t(token) < adjusted_.size() &&
         holds(params_.dry_breakers, token);
}

/// For each place of the window, how many tokens before it are the same as the last ones.
inline void PlainSampler::penalise_repeats() {
  if (params_.dry_multiplier == 0) return;
  const size_t window =
      params_.dry_window < 0 ? history_.size() : std::min(history_.size(), size_t(params_.dry_window));
  const std::vector<Token> past(history_.end() - std::ptrdiff_t(window), history_.end());
  std::map<Token, size_t> longest;
  for (size_t place = 1; place < past.size(); ++place) {
    size_t n = 0;
    while (n < place && past[place - 1 - n] == past[past.size() - 1 - n] && !breaks(past[place - 1 - n])) ++n;
    if (!breaks(past[place])) longest[past[place]] = std::max(longest[past[place]], n);
  }
  for (const auto& [token, n] : longest) {
    if (n < size_t(params_.dry_allowed_length) || token < 0 || size_t(token) >= adjusted_.size()) continue;
    double penalty = double(params_.dry_multiplier) *
                     std::pow(double(params_.dry_base), double(n - size_t(params_.dry_allowed_length)));
    adjusted_[size_t(token)] = usable(adjusted_[size_t(token)] - float(std::min(penalty, 1e30)));
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
  const float most = largest_logit_ = std::max_element(candidates_.begin(), candidates_.end(), [](auto& a, auto& b) {
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

inline double PlainSampler::total() const {
  double total = 0;
  for (double w : weights_) total += w;
  return total;
}

inline void PlainSampler::keep(const std::vector<bool>& stays) {
  size_t kept = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (!stays[i]) continue;
    candidates_[kept] = candidates_[i];
    weights_[kept++] = weights_[i];
  }
  candidates_.resize(kept);
  weights_.resize(kept);
}

inline void PlainSampler::drop_improbable() {
  std::vector<bool> stays;
  for (double w : weights_) stays.push_back(w >= double(params_.min_p));
  keep(stays);
}

/// By the definition of the paper: surprise and entropy, both in nats.
inline void PlainSampler::keep_typical() {
  if (params_.typical_p == 1) return;
  std::sort(candidates_.begin(), candidates_.end(), better);
  const double before = double(largest_logit_);
  for (size_t i = 0; i < candidates_.size(); ++i)
    weights_[i] = std::exp((double(candidates_[i].logit) - before) / double(params_.temperature));
  const double all = total();
  // Of probabilities that are 0, or next to it, no logarithm is taken; the exponent is its exact value up to ln(all).
  std::vector<double> log_weights;
  double mean = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    log_weights.push_back((double(candidates_[i].logit) - before) / double(params_.temperature));
    if (weights_[i] > 0) mean += weights_[i] * log_weights[i];
  }
  mean /= all;  // entropy = ln(all) - mean, surprise = ln(all) - log weight
  std::vector<size_t> nearest;
  for (size_t i = 0; i < candidates_.size(); ++i) nearest.push_back(i);
  std::sort(nearest.begin(), nearest.end(), [&](size_t i, size_t j) {
    const double a = std::abs(log_weights[i] - mean), b = std::abs(log_weights[j] - mean);
    if (a != b) return a < b;
    const bool above_a = log_weights[i] > mean, above_b = log_weights[j] > mean;
    if (above_a != above_b) return above_a;  // the more probable
    return above_a ? i > j : i < j;          // the one next to the mean in the order
  });
  std::vector<bool> stays(candidates_.size());
  double sum = 0;
  for (size_t n = 0; n < nearest.size() && (n == 0 || sum < double(params_.typical_p) * all); ++n) {
    stays[nearest[n]] = true;
    sum += weights_[nearest[n]];
  }
  keep(stays);
}

inline void PlainSampler::exclude_top() {
  const double least = double(params_.xtc_threshold) * total();
  std::vector<size_t> top;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] >= least) top.push_back(i);
  }
  if (top.size() < 2) return;
  const size_t spared = *std::max_element(top.begin(), top.end(),
                                          [&](size_t i, size_t j) { return better(candidates_[i], candidates_[j]); });
  std::vector<bool> stays(weights_.size(), true);
  for (const size_t i : top) stays[i] = i == spared;
  keep(stays);
}

inline Token PlainSampler::draw_by_mirostat(double part) {
  weigh();
  const double all = total();
  std::vector<bool> stays;
  for (double w : weights_) stays.push_back(w == 1 || -std::log2(w / all) <= mu_);
  keep(stays);
  const Token token = draw(part);
  const double exponent = (double(adjusted_[size_t(token)]) - double(largest_logit_)) / double(params_.temperature);
  mu_ -= double(params_.mirostat_eta) * (-std::log2(std::exp(exponent) / all) - double(params_.mirostat_tau));
  return token;
}

inline Token PlainSampler::draw(double part) {
  double left = part * total();
  for (size_t i = 0; i < candidates_.size(); ++i) {
    left -= weights_[i];
    if (left < 0) return candidates_[i].id;
  }
  return candidates_.back().id;  // rounding used up the last hair's breadth
}

}  // namespace apr::sampling
