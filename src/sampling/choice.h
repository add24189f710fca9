#pragma once
#include <cstddef>
#include <limits>
#include <vector>

#include "sampling/scores.h"

namespace apr::sampling {

/// Two sums that an estimate went into differ for certain when they are further apart than this many of its slacks: one
/// for the sum, one for the part of it that it is compared with.
inline constexpr double kApart = 2;
/// A block of scores is added up roughly when none weighs more than e^kRough; if that does not decide, none is.
inline constexpr double kRough = -8, kExact = -std::numeric_limits<double>::infinity();
/// How many of the best are looked at first.
inline constexpr size_t kFirstLook = 256;

struct Candidate {
  float logit;
  Token id;
};
inline bool better(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/// What is left to choose from, while the stages of a chain go by: whole as long as it is all scores, then a list with
/// weights p / p_max = exp((score - largest) / temperature).
///
/// A stage takes what is whole by a short cut if it can, and gives up on it where an estimate is too close to call;
/// list_all() then makes the list of everything, on which each stage is a few plain lines.
///
/// needs   not all scores are banned; temperature > 0
/// errors  none
/// threads one user at a time; keeps its memory from token to token
class Choice {
 public:
  Scores& scores() { return scores_; }
  const Scores& scores() const { return scores_; }
  void begin(double temperature);  ///< whole again, once the scores are settled

  bool whole() const { return whole_; }
  double exponent_of(float logit) const { return (double(logit) - double(scores_.largest())) / temperature_; }
  double weight_of(float logit) const;
  /// A score below which weights are below `weight`, as weight_of() rounds them.
  float score_of(double weight) const;
  double temperature() const { return temperature_; }

  /// The list becomes the scores that reach the bound, by id, without weights; the choice is as whole as it was until
  /// the list is weighed for good: by weigh(), keep() or keep_weighed().
  void gather(float bound);
  void weigh();
  void list_all();
  /// Makes sure that the first n of a list are the best, in order. False when it has fewer; those are in order then.
  /// needs: a list without weights, or n of which all are weighed
  bool sort_to(size_t n);
  /// Puts all of it in order, best first, with its weights.
  void sort();
  /// Weighs the next one of a list that is weighed one by one. needs: sort_to() or gather() has put it there
  double weigh_next();
  void keep_weighed();
  /// The list becomes [begin, end) of itself, weighed.
  void keep(size_t begin, size_t end);
  const std::vector<Candidate>& list() const { return list_; }
  const std::vector<double>& weights() const { return weights_; }
  double total() const;  ///< of the weights, added up in the order of the list
  /// Those stay for which stays(index) is true, in their order.
  template <class Stays>
  void keep_if(Stays stays) {
    size_t kept = 0;
    for (size_t i = 0; i < list_.size(); ++i) {
      if (!stays(i)) continue;
      list_[kept] = list_[i];
      weights_[kept++] = weights_[i];
    }
    sorted_ = sorted_ == list_.size() ? kept : 0;
    list_.resize(kept);
    weights_.resize(kept);
  }

  /// Takes weights off `part` (0 to 1) of their sum until nothing is left.
  Token draw(double part);
  /// The same of what is whole, with estimates of whole blocks, each block's terms below e^rough in float. As much of
  /// the sum as `unsure` may not be part of it. -1 when that is too close to call.
  Token draw_by_blocks(double part, double rough, double unsure = 0);

 private:
  Token draw_listed(double part) const;

  Scores scores_;
  double temperature_ = 1;
  bool whole_ = true;
  size_t sorted_ = 0;  ///< so many at the beginning of the list are the best, in order
  std::vector<Candidate> list_;
  std::vector<double> weights_;
};

}  // namespace apr::sampling
