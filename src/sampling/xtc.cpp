#include "sampling/xtc.h"

#include <algorithm>
#include <cmath>

namespace apr::sampling {
namespace {

/// Of all scores, which stay scores: the excluded ones are banned. False when the estimate is too close to call.
bool ban_top(Choice& choice, double threshold, double rough) {
  const auto [total, slack] = choice.scores().sum_exp(choice.temperature(), rough);
  const double least = threshold * total, apart = kApart * slack;
  if (least <= 2 * apart) return false;
  choice.gather(choice.score_of(least - apart));
  const std::vector<Candidate>& top = choice.list();
  size_t n = 0;  // those that reach it
  while (choice.sort_to(n + 1)) {
    const double weight = choice.weight_of(top[n].logit);
    if (std::abs(weight - least) <= apart) return false;
    if (weight < least) break;
    ++n;
  }
  for (size_t i = 0; i + 1 < n; ++i) choice.scores().ban(top[i].id);
  return true;
}

}  // namespace

void exclude_top(Choice& choice, double threshold) {
  if (choice.whole() && (ban_top(choice, threshold, kRough) || ban_top(choice, threshold, kExact))) return;
  if (choice.whole()) choice.list_all();
  const double least = threshold * choice.total();
  const std::vector<Candidate>& list = choice.list();
  size_t reaching = 0;
  Candidate worst{};
  for (size_t i = 0; i < list.size(); ++i) {
    if (choice.weights()[i] < least) continue;
    if (reaching++ == 0 || better(worst, list[i])) worst = list[i];
  }
  if (reaching < 2) return;
  const auto excluded = [&](size_t i) { return choice.weights()[i] >= least && list[i].id != worst.id; };
  choice.keep_if([&](size_t i) { return !excluded(i); });
}

}  // namespace apr::sampling
