#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"

namespace apr::sampling {
namespace {

/// A block of scores is added up roughly when none weighs more than e^kRough; if that does not decide, none is.
constexpr double kRough = -8, kNone = -std::numeric_limits<double>::infinity();
/// Two sums that an estimate went into differ for certain when they are further apart than this many of its slacks: one
/// for the sum, one for the part of it that it is compared with.
constexpr double kApart = 2;
/// How many of the best are looked at first.
constexpr size_t kFirstLook = 256;

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
  if (params_.temperature == 0 || scores_.largest() == kBanned) return scores_.first_largest();
  const double part = random_.uniform();
  const bool cut = keep_top_k(size_t(params_.top_k));
  for (const double rough : {kRough, kNone}) {
    if (!cut && params_.top_p < 1 && find_nucleus(rough)) {
      drop_improbable();
      return draw(part);
    }
    if (!cut && params_.top_p == 1 && params_.min_p == 0) {
      if (const Token token = draw_by_blocks(part, rough); token >= 0) return token;
    }
  }
  if (!cut) gather(params_.top_p < 1 || params_.min_p == 0 ? kBanned : score_of(double(params_.min_p)));
  weigh();
  keep_nucleus();
  drop_improbable();
  return draw(part);
}

/// scores_ = logits after penalties and bias.
void Sampler::adjust(std::span<const float> logits) {
  scores_.assign(logits);
  touched_.clear();
  penalise(logits);
  for (const auto& [id, bias] : params_.logit_bias) {
    const auto at = std::lower_bound(touched_.begin(), touched_.end(), std::pair(id, kBanned));
    if (at != touched_.end() && at->first == id) {
      at->second += bias;
    } else {
      scores_.set(size_t(id), logits[size_t(id)] + bias);
    }
  }
  for (const auto& [id, logit] : touched_) scores_.set(size_t(id), logit);
  scores_.settle();
}

/// Fills touched_, by id.
void Sampler::penalise(std::span<const float> logits) {
  const bool off = params_.repetition_penalty == 1 && params_.presence_penalty == 0 && params_.frequency_penalty == 0;
  if (off || params_.penalty_window == 0) return;
  const size_t window =
      params_.penalty_window < 0 ? history_.size() : std::min(history_.size(), size_t(params_.penalty_window));
  seen_.assign(history_.end() - std::ptrdiff_t(window), history_.end());
  std::sort(seen_.begin(), seen_.end());
  for (size_t i = 0; i < seen_.size();) {
    size_t end = i;
    while (end < seen_.size() && seen_[end] == seen_[i]) ++end;
    if (seen_[i] >= 0 && size_t(seen_[i]) < logits.size()) {
      float logit = logits[size_t(seen_[i])];
      logit = logit > 0 ? logit / params_.repetition_penalty : logit * params_.repetition_penalty;
      logit -= params_.presence_penalty + params_.frequency_penalty * float(end - i);
      touched_.emplace_back(seen_[i], logit);
    }
    i = end;
  }
}

/// candidates_ = those that reach the bound, by id.
void Sampler::gather(float bound) {
  candidates_.clear();
  scores_.at_least(bound, [&](Token id, float logit) { candidates_.push_back({logit, id}); });
}

/// candidates_ = the k best, best first. False when there is nothing to leave out.
bool Sampler::keep_top_k(size_t k) {
  if (k == 0 || k >= scores_.size()) return false;
  gather(scores_.reached_by(k + 1));
  if (candidates_.size() <= k) return false;
  std::nth_element(candidates_.begin(), candidates_.begin() + std::ptrdiff_t(k), candidates_.end(), better);
  candidates_.resize(k);
  std::sort(candidates_.begin(), candidates_.end(), better);  // the selection's own order is the library's affair
  return true;
}

double Sampler::weight_of(float logit) const {
  return std::exp((double(logit) - double(scores_.largest())) / double(params_.temperature));
}

/// weights_[i] = p_i / p_max.
void Sampler::weigh() {
  if (params_.top_p < 1) std::sort(candidates_.begin(), candidates_.end(), better);
  weights_.clear();
  for (const Candidate& c : candidates_) weights_.push_back(weight_of(c.logit));
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

/// A score below which weights are below `weight`, as weight_of() rounds them.
float Sampler::score_of(double weight) const {
  const double largest = double(scores_.largest()), T = double(params_.temperature);
  const double score = largest + T * std::log(weight) - 1e-9 * T - 1e-12 * std::abs(largest);
  return std::nextafter(float(score), kBanned);
}

/// weigh() and keep_nucleus() of all scores, but only the best are sorted and weighed, as far as it takes: the sum of
/// all is an estimate. False when that is too close to call.
bool Sampler::find_nucleus(double rough) {
  const auto [total, slack] = scores_.sum_exp(double(params_.temperature), rough);
  // Those that weigh less than the V-th part of what may be left out can be left out all together.
  const float least = score_of((1 - double(params_.top_p)) * total / double(scores_.size()));
  for (const float bound : {std::max(least, scores_.reached_by(kFirstLook)), least}) {
    gather(bound);
    const std::optional<bool> reached = add_up_to(double(params_.top_p) * total, kApart * slack);
    if (reached) return *reached;
  }
  return false;
}

/// Keeps the best candidates, whose weights reach the goal. None when all together do not, false when some sum is so
/// close to the goal that it may or may not.
std::optional<bool> Sampler::add_up_to(double goal, double slack) {
  weights_.clear();
  size_t sorted = 0;
  for (double sum = 0; weights_.size() < candidates_.size();) {
    if (weights_.size() == sorted) sorted = sort_on(sorted);
    weights_.push_back(weight_of(candidates_[weights_.size()].logit));
    sum += weights_.back();
    if (std::abs(sum - goal) <= slack) return false;
    if (sum < goal) continue;
    candidates_.resize(weights_.size());
    return true;
  }
  return std::nullopt;
}

/// The first `sorted` candidates are the best, in order: puts the next ones behind them. Returns how many are sorted
/// now.
size_t Sampler::sort_on(size_t sorted) {
  const size_t end = std::min(candidates_.size(), sorted + std::max(2 * kFirstLook, sorted));
  const auto begin = candidates_.begin();
  if (end < candidates_.size())
    std::nth_element(begin + std::ptrdiff_t(sorted), begin + std::ptrdiff_t(end), candidates_.end(), better);
  std::sort(begin + std::ptrdiff_t(sorted), begin + std::ptrdiff_t(end), better);
  return end;
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

/// Takes weights off `part` of their sum until nothing is left.
Token Sampler::draw(double part) const {
  double total = 0;
  for (double w : weights_) total += w;
  double left = part * total;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    left -= weights_[i];
    if (left < 0) return candidates_[i].id;
  }
  return candidates_.back().id;  // rounding used up the last hair's breadth
}

/// draw() from all scores, with estimates of whole blocks. -1 when they are too close to call.
Token Sampler::draw_by_blocks(double part, double rough) {
  const auto [total, slack] = scores_.sum_exp(double(params_.temperature), rough);
  const double goal = part * total, apart = kApart * slack;
  const std::span<const double> sums = scores_.block_sums();
  double before = 0;
  size_t block = 0;
  while (block + 1 < sums.size() && before + sums[block] <= goal) before += sums[block++];
  const size_t end = std::min((block + 1) * Scores::kBlock, scores_.size());
  for (size_t id = block * Scores::kBlock; id < end; ++id) {
    const double after = before + weight_of(scores_[id]);
    if (goal < after) return goal - before > apart && after - goal > apart ? Token(id) : -1;
    before = after;
  }
  return -1;
}

}  // namespace apr::sampling
