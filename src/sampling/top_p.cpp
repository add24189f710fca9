#include "sampling/top_p.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace apr::sampling {
namespace {

/// Keeps the best of those gathered whose weights reach the goal. Nothing when all together do not, false when some sum
/// is so close to the goal that it may or may not.
std::optional<bool> add_up_to(Choice& choice, double goal, double slack) {
  double sum = 0;
  while (choice.sort_to(choice.weights().size() + 1)) {
    sum += choice.weigh_next();
    if (std::abs(sum - goal) <= slack) return false;
    if (sum < goal) continue;
    choice.keep_weighed();
    return true;
  }
  return std::nullopt;
}

/// Of all scores, but only the best are sorted and weighed, as far as it takes: the sum of all is an estimate. False
/// when that is too close to call.
bool find_nucleus(Choice& choice, double p, double rough) {
  const auto [total, slack] = choice.scores().sum_exp(choice.temperature(), rough);
  // Those that weigh less than the V-th part of what may be left out can be left out all together.
  const float least = choice.score_of((1 - p) * total / double(choice.scores().size()));
  for (const float bound : {std::max(least, choice.scores().reached_by(kFirstLook)), least}) {
    choice.gather(bound);
    const std::optional<bool> reached = add_up_to(choice, p * total, kApart * slack);
    if (reached) return *reached;
  }
  return false;
}

}  // namespace

void keep_nucleus(Choice& choice, double p) {
  if (p == 1) return;
  if (choice.whole() && (find_nucleus(choice, p, kRough) || find_nucleus(choice, p, kExact))) return;
  if (choice.whole()) choice.list_all();
  choice.sort();
  const double goal = p * choice.total();
  const std::vector<double>& weights = choice.weights();
  double sum = 0;
  size_t keep = 0;
  while (keep < weights.size() && (keep == 0 || sum < goal)) sum += weights[keep++];
  choice.keep_if([&](size_t i) { return i < keep; });
}

}  // namespace apr::sampling
