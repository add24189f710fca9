#include "engine/draft_policy.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

namespace apr::engine {
namespace {

/// What a pass of 1, 2, 4, 8 tokens takes.
using Costs = std::array<double, 4>;
constexpr Costs kCheap{1, 1.2, 1.5, 2.1}, kDear{1, 1.6, 2.6, 4.5}, kUseless{1, 2, 4, 8};

/// A decoding whose guesses are right with some probability, by the policy and plainly. Times in plain passes.
struct Decoded {
  double time = 0, plain = 0, worst = 0;  ///< worst: by how much it was behind the promise, at most
};
Decoded decode(const Costs& costs, double right, int tokens, uint32_t seed, int match = 6, double noise = 0) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform;
  PassCosts measured;
  DraftPolicy policy(measured);
  Decoded run;
  int ahead = 0, guess_ok = uniform(random) < right;
  for (int i = 0; i < tokens; ++i) {
    policy.came(match, guess_ok);
    const bool hit = ahead > 0 && guess_ok;
    if (hit) {
      --ahead;
      policy.accepted();
    } else {
      ahead = policy.guesses(match, 7);
      const double cost = costs[size_t(std::countr_zero(unsigned(ahead + 1)))];
      measured.add(ahead + 1, cost * (1 + noise * (uniform(random) - 0.5)));
      policy.verified(ahead);
      run.time += cost;
    }
    run.plain += 1;
    run.worst = std::max(run.worst, run.time - 1.03 * run.plain);
    guess_ok = uniform(random) < right;
  }
  return run;
}

TEST(PassCosts, AreMediansOfTheLastFew) {
  PassCosts costs;
  EXPECT_FALSE(costs.comparable());
  for (const double t : {900.0, 10.0, 10.0, 11.0, 10.0}) costs.add(1, t);
  EXPECT_TRUE(costs.comparable());
  costs.add(2, 15);
  EXPECT_DOUBLE_EQ(costs.ratio(1), 1);
  EXPECT_DOUBLE_EQ(costs.ratio(2), 1.5);
  EXPECT_GT(costs.ratio(4), 1.5);  // not measured, but no cheaper than two tokens
  for (int i = 0; i < 5; ++i) costs.add(1, 20);
  EXPECT_DOUBLE_EQ(costs.ratio(2), 0.75);
}

TEST(PassCosts, OldOnesDoNotCount) {
  PassCosts costs;
  for (int i = 0; i < 3; ++i) costs.add(1, 10);
  costs.add(8, 1000);
  EXPECT_DOUBLE_EQ(costs.ratio(8), 100);
  for (int i = 0; i < 200; ++i) costs.add(1, 10);
  EXPECT_LT(costs.ratio(8), 8);
  for (int i = 0; i < 30; ++i) costs.add(2, 12);
  EXPECT_FALSE(costs.comparable());  // plain passes are to be measured anew
  costs.add(1, 10);
  EXPECT_TRUE(costs.comparable());
}

TEST(DraftPolicy, GuessesOnlyWhereThereIsAMatch) {
  PassCosts costs;
  for (int i = 0; i < 3; ++i) costs.add(1, 1);
  for (const int n : {2, 4, 8}) costs.add(n, 1);
  DraftPolicy policy(costs);
  EXPECT_EQ(policy.guesses(0, 7), 0);
  EXPECT_EQ(policy.guesses(5, 7), 7);
  EXPECT_EQ(policy.guesses(5, 6), 3);
  EXPECT_EQ(policy.guesses(5, 1), 1);
  EXPECT_EQ(policy.guesses(5, 0), 0);
}

TEST(DraftPolicy, WaitsUntilItCanCompare) {
  PassCosts costs;
  const DraftPolicy policy(costs);
  EXPECT_EQ(policy.guesses(16, 7), 0);
}

/// The promise: not more than 3 % behind plain decoding and less than one pass, at any time, whatever guesses are worth
/// and passes cost.
TEST(DraftPolicy, NeverLosesMoreThanPromised) {
  for (const Costs& costs : {kCheap, kDear, kUseless}) {
    for (const double right : {0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0}) {
      for (const int match : {2, 4, 16}) {
        const Decoded run = decode(costs, right, 3000, 7, match);
        EXPECT_LE(run.worst, 0.6) << costs[3] << " for eight, right " << right << ", match " << match;
        EXPECT_LE(run.time, run.plain * 1.03) << costs[3] << " for eight, right " << right << ", match " << match;
      }
    }
  }
}

TEST(DraftPolicy, GainsWhereGuessesAreRight) {
  // Eight tokens in the time of 2.1: 3.8 times as fast if all were right, less what finding that out takes.
  EXPECT_LT(decode(kCheap, 1, 1000, 1).time, 1000 / 3.0);
  EXPECT_LT(decode(kCheap, 0.9, 1000, 1).time, 1000 / 2.0);
  EXPECT_LT(decode(kDear, 1, 1000, 1).time, 1000 / 1.5);
  EXPECT_LT(decode(kDear, 0.9, 1000, 1).time, 1000 / 1.15);
}

TEST(DraftPolicy, ClocksMayBeInexact) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    EXPECT_LE(decode(kUseless, 0.5, 2000, seed, 6, 0.3).time, 2000 * 1.03) << seed;
    EXPECT_LT(decode(kCheap, 0.9, 2000, seed, 6, 0.3).time, 2000 / 1.8) << seed;
  }
}

TEST(DraftPolicy, NoticesThatGuessesBecameRight) {
  PassCosts costs;
  for (int i = 0; i < 3; ++i) costs.add(1, 1);
  DraftPolicy policy(costs);
  for (int i = 0; i < 200; ++i) policy.came(4, false);
  EXPECT_EQ(policy.guesses(4, 7), 0);
  for (int i = 0; i < 200; ++i) policy.came(4, true);
  EXPECT_GT(policy.guesses(4, 7), 0);
}

}  // namespace
}  // namespace apr::engine
