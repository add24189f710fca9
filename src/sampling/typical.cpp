#include "sampling/typical.h"

#include <cmath>
#include <limits>

namespace apr::sampling {
namespace {

enum class Grown {
  Done,
  TooClose,  ///< the estimates do not decide
  Beyond,    ///< it may go on below what was gathered
};

/// The window of what is gathered, and whether that is all there is.
Grown grow(Choice& choice, double p, const Scores::Mean& of, bool all) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  auto above = [&](size_t i) { return choice.exponent_of(choice.list()[i].logit) - of.mean; };
  size_t middle = 0;
  while (choice.sort_to(middle + 1) && above(middle) > 0) ++middle;
  const bool next = middle < choice.list().size();
  if ((next && -above(middle) < of.mean_slack) || (middle > 0 && above(middle - 1) < of.mean_slack))
    return Grown::TooClose;
  size_t begin = middle, end = middle;
  for (double sum = 0; begin == end || sum < p * of.total;) {
    const bool more = choice.sort_to(end + 1);
    if (!more && !all) return Grown::Beyond;
    if (!more && begin == 0) break;
    const double up = begin > 0 ? above(begin - 1) : kFar, down = more ? -above(end) : kFar;
    if (std::abs(up - down) < 2 * of.mean_slack) return Grown::TooClose;
    sum += choice.weight_of(choice.list()[up <= down ? --begin : end++].logit);
    if (std::abs(sum - p * of.total) < kApart * of.slack) return Grown::TooClose;
  }
  choice.keep(begin, end);
  return Grown::Done;
}

/// Of all scores, with estimates for the sums over them. False when these are too close to call.
bool find_window(Choice& choice, double p) {
  const Scores::Mean of = choice.scores().mean_exp(choice.temperature());
  for (const float bound : {choice.scores().reached_by(kFirstLook), kBanned}) {
    choice.gather(bound);
    const Grown grown = grow(choice, p, of, bound == kBanned);
    if (grown != Grown::Beyond) return grown == Grown::Done;
  }
  return false;
}

}  // namespace

void keep_typical(Choice& choice, double p) {
  if (p == 1) return;
  if (choice.whole() && find_window(choice, p)) return;
  if (choice.whole()) choice.list_all();
  choice.sort();
  Scores::Mean of{choice.total(), 0, 0, 0};
  for (size_t i = 0; i < choice.list().size(); ++i) {
    const double weight = choice.weights()[i];  // 0 times what overflowed would be no number
    if (weight > 0) of.mean += weight * choice.exponent_of(choice.list()[i].logit);
  }
  of.mean /= of.total;
  grow(choice, p, of, true);
}

}  // namespace apr::sampling
