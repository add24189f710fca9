#include "sampling/scores.h"

#include <bit>
#include <functional>

namespace apr::sampling {
namespace {

// The loops here are written for compilers to turn into vectors: lanes side by side, no branches, no calls.

constexpr float kMost = std::numeric_limits<float>::max();

float usable(float logit) {
  const float number = logit == logit ? logit : kBanned;
  return number < kMost ? number : kMost;
}

float peak(const float* x) {
  constexpr size_t kLanes = 16;
  float most[kLanes];
  for (size_t j = 0; j < kLanes; ++j) most[j] = x[j];
  for (size_t i = kLanes; i < Scores::kBlock; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) most[j] = x[i + j] > most[j] ? x[i + j] : most[j];
  }
  for (size_t half = kLanes / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) most[j] = most[j + half] > most[j] ? most[j + half] : most[j];
  }
  return most[0];
}

/// exp(x) for -600 <= x <= 0. With r = x - k ln 2, |r| <= 0.3466, the Taylor series up to r^8 / 8! leaves out less than
/// e^0.35 * 0.3466^9 / 9! = 2.9e-10 of the result; rounding adds some 1e-13.
constexpr double kExpError = 4e-10;
double fast_exp(double x) {
  constexpr double kRound = 0x1.8p52;  // adding it leaves the nearest whole number in the lowest bits
  const double shifted = x * 0x1.71547652b82fep+0 + kRound, k = shifted - kRound;
  const double r = x - k * 0x1.62e42fefa39efp-1;
  double p = 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return p * std::bit_cast<double>((std::bit_cast<uint64_t>(shifted) + 1023) << 52);
}

/// The same in float, for -80 <= x <= 0, of (score - largest) * scale: four roundings of numbers up to 80 in the
/// exponent, 2^-24 each, are 1.9e-5; the series up to r^6 / 6! leaves out 1.7e-7, its own roundings are some 1e-6.
constexpr double kRoughError = 3e-5;
float rough_exp(float x) {
  constexpr float kRound = 0x1.8p23f;
  const float shifted = x * 0x1.715476p+0f + kRound, k = shifted - kRound;
  const float r = x - k * 0x1.62e43p-1f;
  float p = 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * std::bit_cast<float>((std::bit_cast<uint32_t>(shifted) + 127) << 23);
}

template <class Float, Float exp(Float)>
double block_sum(const float* x, Float largest, Float scale, Float least) {
  Float terms[Scores::kBlock];
  // One loop each: in a single one compilers would compute exp(least) ahead, and branch.
  for (size_t i = 0; i < Scores::kBlock; ++i) terms[i] = (Float(x[i]) - largest) * scale;
  for (Float& t : terms) t = t > least ? t : least;
  for (Float& t : terms) t = exp(t);
  for (size_t half = Scores::kBlock / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) terms[j] += terms[j + half];
  }
  return double(terms[0]);
}

/// Sums of exp(t) and of t exp(t).
struct Moments {
  double sum, first;
};
Moments block_moments(const float* x, double largest, double scale, double least) {
  double exponents[Scores::kBlock], terms[Scores::kBlock];
  for (size_t i = 0; i < Scores::kBlock; ++i) exponents[i] = (double(x[i]) - largest) * scale;
  for (double& t : exponents) t = t > least ? t : least;
  for (size_t i = 0; i < Scores::kBlock; ++i) terms[i] = fast_exp(exponents[i]);
  for (size_t i = 0; i < Scores::kBlock; ++i) exponents[i] *= terms[i];
  for (size_t half = Scores::kBlock / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) terms[j] += terms[j + half];
    for (size_t j = 0; j < half; ++j) exponents[j] += exponents[j + half];
  }
  return {terms[0], exponents[0]};
}

}  // namespace

void Scores::find_peak(size_t block) { peaks_[block] = peak(&values_[block * kBlock]); }

void Scores::assign(std::span<const float> logits) {
  size_ = logits.size();
  const size_t blocks = (size_ + kBlock - 1) / kBlock;
  values_.resize(blocks * kBlock);
  peaks_.resize(blocks);
  touched_.resize(blocks);
  for (size_t b = 0; b < blocks; ++b) {
    float* to = &values_[b * kBlock];
    const float* from = &logits[b * kBlock];
    if ((b + 1) * kBlock <= size_) {
      for (size_t i = 0; i < kBlock; ++i) to[i] = usable(from[i]);
    } else {
      for (size_t i = 0; i < kBlock; ++i) to[i] = b * kBlock + i < size_ ? usable(from[i]) : kBanned;
    }
    find_peak(b);
  }
}

void Scores::touch(size_t block) {
  if (touched_[block]) return;
  touched_[block] = true;
  changed_.push_back(uint32_t(block));
}

void Scores::set(size_t id, float logit) {
  values_[id] = usable(logit);
  touch(id / kBlock);
}

void Scores::keep_only(Mask mask) {
  static_assert(kBlock == 64, "a block is a word of the mask");
  for (size_t b = 0; b < peaks_.size(); ++b) {
    const uint64_t word = mask[b];
    if (word == ~uint64_t(0)) continue;
    float* x = &values_[b * kBlock];
    for (size_t i = 0; i < kBlock; ++i) x[i] = word >> i & 1 ? x[i] : kBanned;
    touch(b);
  }
}

void Scores::settle() {
  for (const uint32_t block : changed_) {
    find_peak(block);
    touched_[block] = false;
  }
  changed_.clear();
  largest_ = *std::max_element(peaks_.begin(), peaks_.end());
}

void Scores::ban(Token id) {
  values_[size_t(id)] = kBanned;
  find_peak(size_t(id) / kBlock);
}

Token Scores::first_largest() const {
  if (largest_ == kBanned) return -1;
  const size_t block = size_t(std::find(peaks_.begin(), peaks_.end(), largest_) - peaks_.begin());
  return Token(std::find(values_.begin() + std::ptrdiff_t(block * kBlock), values_.end(), largest_) - values_.begin());
}

float Scores::reached_by(size_t n) {
  if (n == 0 || n > peaks_.size()) return kBanned;
  selection_ = peaks_;
  const auto nth = selection_.begin() + std::ptrdiff_t(n) - 1;
  std::nth_element(selection_.begin(), nth, selection_.end(), std::greater<>());
  return *nth;
}

Scores::Sum Scores::sum_exp(double temperature, double rough) {
  sums_.resize(peaks_.size());
  const double largest = double(largest_), scale = 1 / temperature;
  double total = 0, roughly = 0;
  for (size_t b = 0; b < sums_.size(); ++b) {
    const float* x = &values_[b * kBlock];
    if ((double(peaks_[b]) - largest) * scale < rough) {
      sums_[b] = block_sum<float, rough_exp>(x, largest_, float(scale), -80.0f);
      roughly += sums_[b];
    } else {
      sums_[b] = block_sum<double, fast_exp>(x, largest, scale, -600.0);
    }
    total += sums_[b];
  }
  // Adding up in whatever order: 2^-53 of the total for each term, here and in the exact sum. Terms below `least`, at
  // most 1e-34 each, vanish in that.
  const double adding = 0x1p-52 * double(values_.size());
  return {total, (kExpError + adding) * total + kRoughError * roughly};
}

Scores::Mean Scores::mean_exp(double temperature) const {
  const double largest = double(largest_), scale = 1 / temperature;
  double total = 0, first = 0;
  for (size_t b = 0; b < peaks_.size(); ++b) {
    const Moments m = block_moments(&values_[b * kBlock], largest, scale, -600.0);
    total += m.sum;
    first += m.first;
  }
  // No exponent is above 0, so errors of the terms of `first` add up to as large a part of it as those of the sum do.
  const double part = kExpError + 0x1p-52 * double(values_.size()), mean = first / total;
  return {total, part * total, mean, 2.5 * part * -mean + 1e-200};
}

}  // namespace apr::sampling
