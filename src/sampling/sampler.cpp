#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"

namespace apr::sampling {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();

void require(bool ok, const char* name, double found, const char* allowed) {
  if (!ok) fail(ErrorCode::Usage, "{}: found {}, expected {}", name, found, allowed);
}

}  // namespace

void validate(const Params& p, size_t vocabulary) {
  require(p.repetition_penalty > 0 && std::isfinite(p.repetition_penalty), "repetition penalty", p.repetition_penalty,
          "a number above 0");
  require(std::isfinite(p.presence_penalty), "presence penalty", p.presence_penalty, "a finite number");
  require(std::isfinite(p.frequency_penalty), "frequency penalty", p.frequency_penalty, "a finite number");
  require(p.penalty_window >= -1, "penalty window", p.penalty_window, "-1 (all) or a number of tokens");
  require(p.temperature >= 0 && std::isfinite(p.temperature), "temperature", p.temperature,
          "0 (greedy) or a number above it");
  require(p.top_k >= 0, "top-k", p.top_k, "0 (all) or a number of tokens");
  require(p.top_p > 0 && p.top_p <= 1, "top-p", p.top_p, "a number above 0, up to 1");
  require(p.min_p >= 0 && p.min_p <= 1, "min-p", p.min_p, "a number from 0 to 1");
  for (const auto& [id, bias] : p.logit_bias) {
    if (id < 0 || size_t(id) >= vocabulary) {
      fail(ErrorCode::Usage, "logit bias: token {} is not in the vocabulary; ids go from 0 to {}", id, vocabulary - 1);
    }
    if (std::isnan(bias) || bias == std::numeric_limits<float>::infinity()) {
      fail(ErrorCode::Usage, "logit bias of token {}: found {}, expected a number, or -inf to ban it", id, bias);
    }
  }
}

Sampler::Sampler(Params params) : params_(std::move(params)), random_(params_.seed) {}

void Sampler::accept(Token token) { history_.push_back(token); }

bool Sampler::better(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

Token Sampler::pick(std::span<const float> logits) {
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
void Sampler::adjust(std::span<const float> logits) {
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

void Sampler::penalise() {
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

Token Sampler::largest() const {
  size_t best = 0;
  for (size_t i = 1; i < adjusted_.size(); ++i) {
    if (adjusted_[i] > adjusted_[best]) best = i;
  }
  return adjusted_[best] == kBanned ? -1 : Token(best);
}

void Sampler::keep_top_k() {
  const size_t k = size_t(params_.top_k);
  if (k == 0 || k >= candidates_.size()) return;
  std::nth_element(candidates_.begin(), candidates_.begin() + std::ptrdiff_t(k), candidates_.end(), better);
  candidates_.resize(k);
  std::sort(candidates_.begin(), candidates_.end(), better);  // the selection's own order is the library's affair
}

/// weights_[i] = p_i / p_max = exp((logit - largest logit) / temperature).
void Sampler::weigh() {
  if (params_.top_p < 1) std::sort(candidates_.begin(), candidates_.end(), better);
  const float most = std::max_element(candidates_.begin(), candidates_.end(), [](auto& a, auto& b) {
                       return a.logit < b.logit;
                     })->logit;
  weights_.clear();
  for (const Candidate& c : candidates_)
    weights_.push_back(std::exp((double(c.logit) - double(most)) / double(params_.temperature)));
}

void Sampler::keep_nucleus() {
  if (params_.top_p == 1) return;
  double total = 0, sum = 0;
  for (double w : weights_) total += w;
  size_t keep = 0;
  while (keep < weights_.size() && (keep == 0 || sum < double(params_.top_p) * total)) sum += weights_[keep++];
  candidates_.resize(keep);
  weights_.resize(keep);
}

void Sampler::drop_improbable() {
  size_t kept = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] < double(params_.min_p)) continue;
    candidates_[kept] = candidates_[i];
    weights_[kept++] = weights_[i];
  }
  candidates_.resize(kept);
  weights_.resize(kept);
}

Token Sampler::draw() {
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
