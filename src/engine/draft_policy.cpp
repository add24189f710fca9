#include "engine/draft_policy.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace apr::engine {

int PassCosts::index_of(int tokens) { return std::countr_zero(unsigned(tokens)); }

void PassCosts::add(int tokens, double time) {
  ++passes_;
  Size& s = sizes_[size_t(index_of(tokens))];
  s.times[size_t(s.next)] = time;
  s.next = (s.next + 1) % kKept;
  s.count = std::min(s.count + 1, kKept);
  s.last = passes_;
  std::vector<double> sorted(s.times.begin(), s.times.begin() + s.count);
  std::sort(sorted.begin(), sorted.end());
  s.median = (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
  // A size that looked too dear is not tried any more: what it cost then says little after a while.
  for (int i = 1; i < kSizes; ++i) {
    if (passes_ - sizes_[size_t(i)].last > kStale) sizes_[size_t(i)] = {};
  }
}

bool PassCosts::comparable() const {
  const Size& one = sizes_[0];
  return one.count >= 3 && passes_ - one.last < kPlainEvery && one.median > 0;
}

double PassCosts::ratio(int tokens) const {
  constexpr double kDoubling = 1.4;  // what twice the tokens cost: 1 would be nothing, 2 a pass of their own
  const int i = index_of(tokens);
  if (i == 0) return 1;
  const Size& s = sizes_[size_t(i)];
  return s.count > 0 ? s.median / sizes_[0].median : kDoubling * ratio(tokens / 2);
}

double PassCosts::at_most(int tokens) const {
  const bool known = sizes_[size_t(index_of(tokens))].count > 0;
  return known || tokens == 1 ? ratio(tokens) : 2 * at_most(tokens / 2);
}

/// A first belief of the weight of four tokens: the longer the match, the likelier it goes on.
DraftPolicy::DraftPolicy(const PassCosts& costs)
    : costs_(costs), classes_{{{1.2, 4}, {2, 4}, {2.4, 4}, {3, 4}, {3.4, 4}, {3.6, 4}}} {}

int DraftPolicy::class_of(int match) {  // 2, 3, 4, 5 to 7, 8 to 15, more
  return match <= 4 ? std::max(match, 2) - 2 : match < 8 ? 3 : match < 16 ? 4 : 5;
}

void DraftPolicy::came(int match, bool right) {
  balance_ = std::min(balance_ + kMostLoss, kMostCredit);
  if (match == 0) return;
  Class& c = classes_[size_t(class_of(match))];
  c.tried = kMemory * c.tried + 1;
  c.right = kMemory * c.right + right;
}

int DraftPolicy::guesses(int match, int most) const {
  if (match == 0 || !costs_.comparable()) return 0;
  int best = 0;
  double best_gain = kLeastGain, expected = 1, all_right = 1;
  for (int k = 1; k <= std::min(most, PassCosts::kMost - 1); ++k) {
    const Class& c = classes_[size_t(class_of(match + k - 1))];
    all_right *= c.right / c.tried;
    expected += all_right;
    if (!std::has_single_bit(unsigned(k + 1))) continue;
    const double gain = expected / costs_.ratio(k + 1);
    const bool affordable = costs_.at_most(k + 1) - 1 <= balance_;  // even if none is right
    if (gain > best_gain && affordable) best = k, best_gain = gain;
  }
  return best;
}

void DraftPolicy::verified(int guesses) { balance_ -= costs_.ratio(guesses + 1) - 1; }

void DraftPolicy::accepted() { balance_ = std::min(balance_ + 1, kMostCredit); }

}  // namespace apr::engine
