#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "sampling/mask.h"
#include "sampling/token.h"

namespace apr::sampling {

/// The logits of one choice, in blocks whose largest are known, so that what is looked for is found by looking at few.
///
/// shape   [V], dimensionless; block b holds ids 64 b to 64 b + 63
/// needs   V >= 1
/// errors  none
/// threads one user at a time
class Scores {
 public:
  static constexpr size_t kBlock = 64;

  /// NaN becomes kBanned. What overflowed becomes the largest there is: differences of infinities would be no numbers.
  void assign(std::span<const float> logits);
  /// The same for one of them.
  void set(size_t id, float logit);
  /// Bans all that the mask does not hold. needs: mask_words(V) words
  void keep_only(Mask mask);
  /// To be called after the last set() or keep_only(), before anything is asked for.
  void settle();
  /// Bans one afterwards: largest() stays what it was, and so do the weights that are relative to it.
  void ban(Token id);

  size_t size() const { return size_; }
  float operator[](size_t id) const { return values_[id]; }
  float largest() const { return largest_; }
  Token first_largest() const;  ///< -1 when all are banned
  /// A bound that at least n scores reach, or kBanned where blocks cannot tell.
  float reached_by(size_t n);
  /// each(id, score), by ascending id, of those that are at least `bound` and not banned.
  template <class Each>
  void at_least(float bound, Each each) const {
    for (size_t b = 0; b < peaks_.size(); ++b) {
      if (!(peaks_[b] >= bound)) continue;
      for (size_t i = b * kBlock; i < (b + 1) * kBlock; ++i) {
        if (values_[i] >= bound && values_[i] != kBanned) each(Token(i), values_[i]);
      }
    }
  }
  struct Sum {
    double value, slack;  ///< the exact sum is within value - slack and value + slack
  };
  /// Sums of exp((score - largest) / temperature) over all, and over each block (block_sums(), all within the slack
  /// together). Blocks without a term above `rough` are added up in float: twice as fast, and there is often next to
  /// nothing in them.
  ///
  /// needs   not all are banned; temperature > 0
  Sum sum_exp(double temperature, double rough);
  std::span<const double> block_sums() const { return sums_; }

  struct Mean {
    double total, slack;      ///< as Sum
    double mean, mean_slack;  ///< of the exponents (score - largest) / temperature, each with its weight
  };
  /// The same sum, and the mean of the exponents with these weights.
  Mean mean_exp(double temperature) const;

 private:
  void find_peak(size_t block);
  void touch(size_t block);
  size_t size_ = 0;
  float largest_ = kBanned;
  std::vector<float> values_;      ///< filled up to whole blocks with kBanned
  std::vector<float> peaks_;       ///< [blocks]
  std::vector<float> selection_;   ///< of reached_by()
  std::vector<double> sums_;       ///< [blocks]
  std::vector<uint32_t> changed_;  ///< blocks whose peak is to be found again, each once
  std::vector<uint8_t> touched_;   ///< [blocks] whether it is among them
};

}  // namespace apr::sampling
