// What each stage leaves, on examples worked out by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "sampling/logprobs.h"
#include "sampling/sampler.h"

namespace apr::sampling {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> logs(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (double p : probabilities) logits.push_back(float(std::log(p)));
  return logits;
}

std::set<Token> support(Params params, const std::vector<float>& logits, Mask mask = {}) {
  params.temperature = 1;
  Sampler sampler(params);
  std::set<Token> ids;
  for (int i = 0; i < 5000; ++i) ids.insert(sampler.pick(logits, mask));
  return ids;
}

/// The greedy token after a history.
Token after(const Params& params, const std::vector<Token>& history, const std::vector<float>& logits) {
  Sampler sampler(params);
  for (Token t : history) sampler.accept(t);
  return sampler.pick(logits);
}

TEST(Typical, KeepsWhatIsAsSurprisingAsExpected) {
  // Surprises 0.69, 1.39, 2.08, 2.77, 2.77 nats; entropy 1.30. Nearest first: 1 (0.09), 0 (0.61), 2 (0.78), 3, 4.
  const std::vector<float> logits = logs({0.5, 0.25, 0.125, 0.0625, 0.0625});
  EXPECT_EQ(support({.typical_p = 0.2f}, logits), (std::set<Token>{1}));
  EXPECT_EQ(support({.typical_p = 0.3f}, logits), (std::set<Token>{0, 1}));
  EXPECT_EQ(support({.typical_p = 0.8f}, logits), (std::set<Token>{0, 1, 2}));
  EXPECT_EQ(support({.typical_p = 0.9f}, logits), (std::set<Token>{0, 1, 2, 3}));
  EXPECT_EQ(support({.typical_p = 1}, logits).size(), 5u);
}

TEST(Typical, CanLeaveOutTheMostProbable) {
  // One token of 0.4 and 60 of 0.01 each: the entropy, 3.13, is far from its 0.92.
  std::vector<double> p(61, 0.01);
  p[7] = 0.4;
  const std::set<Token> kept = support({.typical_p = 0.295f}, logs(p));
  EXPECT_EQ(kept.size(), 30u);
  EXPECT_FALSE(kept.contains(7));
}

TEST(Typical, MeansWhatIsLeft) {
  // Of the two best alone the entropy is 0.64; the more probable one, 0.41, is nearer than the other, 1.10.
  EXPECT_EQ(support({.top_k = 2, .typical_p = 0.2f}, logs({0.5, 0.25, 0.125, 0.125})), (std::set<Token>{0}));
}

TEST(Xtc, ExcludesAllTopChoicesButTheLeastProbable) {
  const std::vector<float> logits = logs({0.05, 0.4, 0.3, 0.2, 0.05});
  EXPECT_EQ(support({.xtc_probability = 1, .xtc_threshold = 0.1f}, logits), (std::set<Token>{0, 3, 4}));
  EXPECT_EQ(support({.xtc_probability = 1, .xtc_threshold = 0.25f}, logits), (std::set<Token>{0, 2, 3, 4}));
  EXPECT_EQ(support({.xtc_probability = 1, .xtc_threshold = 0.35f}, logits).size(), 5u);  // only one top choice
  EXPECT_EQ(support({.xtc_probability = 1, .xtc_threshold = 0.01f}, logits), (std::set<Token>{4}));  // tie: higher id
  EXPECT_EQ(support({.xtc_probability = 0.5f, .xtc_threshold = 0.1f}, logits).size(), 5u);
  EXPECT_EQ(support({.min_p = 0.3f, .xtc_probability = 1, .xtc_threshold = 0.1f}, logits), (std::set<Token>{3}));
}

TEST(Xtc, LeavesOtherPicksAlone) {
  // Where there is only one top choice nothing is excluded, and the tokens drawn are those of the chain without it.
  const std::vector<float> two = logs({0.5, 0.4, 0.1}), one = logs({0.3, 0.05, 0.05, 0.05, 0.05, 0.5});
  Sampler with({.temperature = 1, .xtc_probability = 0.5f, .xtc_threshold = 0.35f, .seed = 5});
  Sampler without({.temperature = 1, .seed = 5});
  int excluded = 0;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(with.pick(one), without.pick(one));
    excluded += with.pick(two) != without.pick(two);
  }
  EXPECT_GT(excluded, 150);
  EXPECT_LT(excluded, 400);  // half of the times, where the first of two was drawn
}

TEST(Mirostat, HoldsTheSurprise) {
  std::vector<float> logits;
  for (int i = 0; i < 2000; ++i) logits.push_back(-float(i) * 0.01f);  // entropy 8.1 bits
  double total = 0;
  for (float l : logits) total += std::exp(double(l));
  for (const float tau : {2.0f, 4.0f, 6.0f}) {
    Sampler sampler({.temperature = 1, .mirostat_tau = tau, .mirostat_eta = 0.1f, .seed = 3});
    double bits = 0;
    for (int i = 0; i < 3000; ++i) {
      const double surprise = -std::log2(std::exp(double(logits[size_t(sampler.pick(logits))])) / total);
      if (i >= 1000) bits += surprise / 2000;
    }
    // The most probable token alone has 6.65 bits: below that nothing can be had but it.
    EXPECT_NEAR(bits, std::max(double(tau), 6.65), 0.1) << tau;
  }
}

TEST(Mirostat, KeepsTheBestWhenAllAreTooSurprising) {
  const std::vector<float> logits = logs({0.2, 0.3, 0.25, 0.25});
  Sampler sampler({.temperature = 1, .mirostat_tau = 0.01f});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sampler.pick(logits), 1);
}

TEST(Dry, PenalisesWhatWouldGoOnWithARepeat) {
  const std::vector<float> logits = {0, 0, 0, 3, 2, 0};
  const Params dry{.dry_multiplier = 2, .dry_base = 2};
  EXPECT_EQ(after(dry, {0, 1, 3, 5, 0, 1}, logits), 4);     // "0 1" again: 3 pays 2
  EXPECT_EQ(after(dry, {1, 3, 5, 0, 1}, logits), 3);        // "1" alone is allowed
  EXPECT_EQ(after(dry, {0, 1, 3, 5, 0, 1, 3}, logits), 3);  // 3 has been said, 5 would go on
  EXPECT_EQ(after({.dry_multiplier = 2, .dry_allowed_length = 3}, {0, 1, 3, 5, 0, 1}, logits), 3);
  EXPECT_EQ(after({.dry_multiplier = 0.9f}, {0, 1, 3, 5, 0, 1}, logits), 3);
}

TEST(Dry, CostsMoreForEachFurtherToken) {
  // A repeat of n tokens: 0.5 * 2^(n - 2).
  const std::vector<float> logits = {0, 0, 0, 4, 1, 0};
  const Params dry{.dry_multiplier = 0.5f, .dry_base = 2};
  EXPECT_EQ(after(dry, {2, 0, 1, 2, 3, 5, 1, 0, 1, 2}, logits), 3);                    // n = 3: 1
  EXPECT_EQ(after(dry, {0, 1, 0, 1, 2, 3, 5, 0, 1, 0, 1, 2}, logits), 4);              // n = 5: 4
  EXPECT_EQ(after(dry, {0, 1, 2, 3, 0, 1, 0, 1, 2, 3, 1, 0, 1, 0, 1, 2}, logits), 4);  // the longest counts
}

TEST(Dry, BreakersStopRepeatsAndAreFree) {
  const std::vector<float> logits = {0, 0, 0, 3, 2, 0};
  const std::vector<Token> history = {0, 1, 2, 3, 5, 0, 1, 2};
  EXPECT_EQ(after({.dry_multiplier = 2}, history, logits), 4);
  EXPECT_EQ(after({.dry_multiplier = 2, .dry_breakers = {0b010}}, history, logits), 3);     // "2" alone is left
  EXPECT_EQ(after({.dry_multiplier = 2, .dry_breakers = {0b001000}}, history, logits), 3);  // 3 itself is one
  EXPECT_EQ(after({.dry_multiplier = 2, .dry_breakers = {0b000001}}, history, logits), 4);  // "1 2" is left
}

TEST(Dry, LooksBackAsFarAsTheWindow) {
  const std::vector<float> logits = {0, 0, 0, 3, 2, 0};
  const std::vector<Token> history = {0, 1, 3, 5, 0, 1};
  EXPECT_EQ(after({.dry_multiplier = 2, .dry_window = 6}, history, logits), 4);
  EXPECT_EQ(after({.dry_multiplier = 2, .dry_window = 5}, history, logits), 3);
  EXPECT_EQ(after({.dry_multiplier = 2, .dry_window = 0}, history, logits), 3);
}

TEST(Dry, NeverBansAndTakesLongHistories) {
  std::vector<Token> history(200000, 1);
  Sampler sampler({.dry_multiplier = 5, .dry_base = 100});
  for (Token t : history) sampler.accept(t);
  EXPECT_EQ(sampler.pick(std::vector<float>{0, 9, 1}), 2);
  EXPECT_EQ(sampler.pick(std::vector<float>{-kInf, 9, -kInf}), 1);  // the only one there is
  const uint64_t only = 0b010;
  EXPECT_EQ(sampler.pick(std::vector<float>{0, 9, 1}, {&only, 1}), 1);
}

TEST(Penalties, CountAsTheWindowMoves) {
  Sampler sampler({.frequency_penalty = 1, .penalty_window = 3});
  const std::vector<float> logits = {3, 1.5f, 0};
  EXPECT_EQ(sampler.pick(logits), 0);
  sampler.accept(0);
  EXPECT_EQ(sampler.pick(logits), 0);
  sampler.accept(0);
  EXPECT_EQ(sampler.pick(logits), 1);
  for (Token t : {2, 2, -5, 1000}) sampler.accept(t);  // what is no token counts for the window alone
  EXPECT_EQ(sampler.pick(logits), 0);
}

TEST(Masks, BanWhatTheyDoNotHold) {
  const std::vector<float> logits = {5, 4, 3, 2};
  const uint64_t some = 0b1100, none = 0, beyond = ~uint64_t(0) << 4;
  EXPECT_EQ(Sampler({}).pick(logits, {&some, 1}), 2);
  EXPECT_EQ(Sampler({}).pick(logits, {&none, 1}), -1);
  EXPECT_EQ(Sampler({.temperature = 1}).pick(logits, {&beyond, 1}), -1);
  EXPECT_EQ(Sampler({.logit_bias = {{0, 50.0f}}}).pick(logits, {&some, 1}), 2);  // bias does not get around it
  EXPECT_EQ(support({}, logits, {&some, 1}), (std::set<Token>{2, 3}));
}

TEST(Logprobs, AreOfTheModelsOwnDistribution) {
  const std::vector<float> logits = logs({0.1, 0.5, 0.15, 0.25});
  LogprobReader reader;
  const Logprobs found = reader.read(logits, 2, 3);
  EXPECT_NEAR(found.chosen, std::log(0.15), 1e-7);
  ASSERT_EQ(found.top.size(), 3u);
  EXPECT_EQ(found.top[0].id, 1);
  EXPECT_NEAR(found.top[0].logprob, std::log(0.5), 1e-7);
  EXPECT_EQ(found.top[1].id, 3);
  EXPECT_EQ(found.top[2].id, 2);
  EXPECT_TRUE(reader.read(logits, 1, 0).top.empty());
  EXPECT_EQ(reader.read(logits, 1, 50).top.size(), 4u);
}

TEST(Logprobs, TiesBrokenLogitsAndLargeVocabularies) {
  LogprobReader reader;
  const Logprobs few = reader.read(std::vector<float>{-kInf, 1, std::nanf(""), 1}, 0, 4);
  EXPECT_EQ(few.chosen, -std::numeric_limits<double>::infinity());
  ASSERT_EQ(few.top.size(), 2u);
  EXPECT_EQ(few.top[0].id, 1);
  EXPECT_NEAR(few.top[1].logprob, std::log(0.5), 1e-9);
  std::vector<float> many(151936);
  double total = 0;
  for (size_t i = 0; i < many.size(); ++i) {
    many[i] = float(i * 2654435761u % 100003) * 1e-4f;
    total += std::exp(double(many[i]));
  }
  const Logprobs large = reader.read(many, 77, 20);
  EXPECT_NEAR(large.chosen, double(many[77]) - std::log(total), 1e-9);
  ASSERT_EQ(large.top.size(), 20u);
  for (size_t i = 1; i < 20; ++i) EXPECT_GE(large.top[i - 1].logprob, large.top[i].logprob);
}

}  // namespace
}  // namespace apr::sampling
