#include "sampling/choice.h"

#include <algorithm>
#include <cmath>

namespace apr::sampling {

void Choice::begin(double temperature) {
  temperature_ = temperature;
  whole_ = true;
}

double Choice::weight_of(float logit) const { return std::exp(exponent_of(logit)); }

float Choice::score_of(double weight) const {
  const double largest = double(scores_.largest());
  const double score = largest + temperature_ * std::log(weight) - 1e-9 * temperature_ - 1e-12 * std::abs(largest);
  return std::nextafter(float(score), kBanned);
}

void Choice::gather(float bound) {
  list_.clear();
  weights_.clear();
  sorted_ = 0;
  scores_.at_least(bound, [&](Token id, float logit) { list_.push_back({logit, id}); });
}

void Choice::weigh() {
  weights_.clear();
  while (weights_.size() < list_.size()) weigh_next();
  whole_ = false;
}

double Choice::weigh_next() {
  weights_.push_back(weight_of(list_[weights_.size()].logit));
  return weights_.back();
}

void Choice::keep_weighed() {
  list_.resize(weights_.size());
  sorted_ = std::min(sorted_, list_.size());
  whole_ = false;
}

void Choice::keep(size_t begin, size_t end) {
  list_.resize(end);
  list_.erase(list_.begin(), list_.begin() + std::ptrdiff_t(begin));
  sorted_ = std::clamp(sorted_, begin, end) - begin;
  weigh();
}

void Choice::list_all() {
  gather(kBanned);
  weigh();
}

bool Choice::sort_to(size_t n) {
  while (sorted_ < std::min(n, list_.size())) {
    const size_t end = std::min(list_.size(), sorted_ + std::max(2 * kFirstLook, sorted_));
    const auto at = [&](size_t i) { return list_.begin() + std::ptrdiff_t(i); };
    if (end < list_.size()) std::nth_element(at(sorted_), at(end), list_.end(), better);
    std::sort(at(sorted_), at(end), better);
    sorted_ = end;
  }
  return n <= list_.size();
}

void Choice::sort() {
  if (sorted_ == list_.size()) return;
  sorted_ = list_.size();
  std::sort(list_.begin(), list_.end(), better);
  weigh();
}

double Choice::total() const {
  double total = 0;
  for (double w : weights_) total += w;
  return total;
}

Token Choice::draw(double part) {
  for (const double rough : {kRough, kExact}) {
    if (!whole_) break;
    if (const Token token = draw_by_blocks(part, rough); token >= 0) return token;
  }
  if (whole_) list_all();
  return draw_listed(part);
}

Token Choice::draw_listed(double part) const {
  double left = part * total();
  for (size_t i = 0; i < list_.size(); ++i) {
    left -= weights_[i];
    if (left < 0) return list_[i].id;
  }
  return list_.back().id;  // rounding used up the last hair's breadth
}

Token Choice::draw_by_blocks(double part, double rough, double unsure) {
  const auto [total, slack] = scores_.sum_exp(temperature_, rough);
  const double goal = part * total, apart = kApart * (slack + unsure);
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
