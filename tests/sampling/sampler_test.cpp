#include "sampling/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "base/error.h"

namespace apr::sampling {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_logits(size_t n, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(n);
  for (float& x : logits) x = normal(generator);
  return logits;
}

Token pick_once(const Params& params, const std::vector<float>& logits, const std::vector<Token>& history = {}) {
  Sampler sampler(params);
  for (Token t : history) sampler.accept(t);
  return sampler.pick(logits);
}

/// The tokens that many draws give, with their shares.
std::map<Token, double> shares(Params params, const std::vector<float>& logits, int draws = 20000) {
  Sampler sampler(params);
  std::map<Token, double> counts;
  for (int i = 0; i < draws; ++i) counts[sampler.pick(logits)] += 1.0 / draws;
  return counts;
}

std::set<Token> support(const Params& params, const std::vector<float>& logits) {
  std::set<Token> ids;
  for (const auto& [id, share] : shares(params, logits, 5000)) ids.insert(id);
  return ids;
}

/// Softmax of logits / temperature, in double.
std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  for (float x : logits) p.push_back(std::exp(double(x) / temperature));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= sum;
  return p;
}

TEST(Random, IsTheSameOnEveryMachine) {
  // splitmix64 and xoshiro256** as their authors define them, seed 42; worked out with an independent implementation.
  Random random(42);
  EXPECT_EQ(random.next(), 1546998764402558742u);
  EXPECT_EQ(random.next(), 6990951692964543102u);
  EXPECT_EQ(random.next(), 12544586762248559009u);
  for (int i = 0; i < 1000; ++i) {
    const double u = random.uniform();
    EXPECT_TRUE(u >= 0 && u < 1);
  }
}

TEST(Greedy, LargestWithTiesToTheLowerId) {
  EXPECT_EQ(pick_once({}, {1, 5, 2, 5}), 1);
  EXPECT_EQ(pick_once({}, {kNan, -3, kNan, -2}), 3);
  EXPECT_EQ(pick_once({}, {-kInf, -kInf}), -1);
  EXPECT_EQ(pick_once({}, {kNan, kNan}), -1);
  EXPECT_EQ(pick_once({}, {0, kInf, kInf}), 1);
}

TEST(Greedy, IgnoresSeedAndCuts) {
  const std::vector<float> logits = random_logits(500, 1);
  const Token best = Token(std::max_element(logits.begin(), logits.end()) - logits.begin());
  EXPECT_EQ(pick_once({.top_k = 3, .top_p = 0.5f, .seed = 9}, logits), best);
}

TEST(Draws, FollowTheSoftmax) {
  const std::vector<float> logits = {1, 2, 0.5f, -1, 2.5f};
  const std::vector<double> p = softmax(logits, 0.8);
  const auto found = shares({.temperature = 0.8f, .seed = 4}, logits, 100000);
  // Five standard deviations of a share over 100,000 draws.
  for (size_t i = 0; i < p.size(); ++i)
    EXPECT_NEAR(found.at(Token(i)), p[i], 5 * std::sqrt(p[i] * (1 - p[i]) / 100000)) << i;
}

TEST(Draws, SameSeedSameTokens) {
  const std::vector<float> logits = random_logits(1000, 2);
  const Params params{.temperature = 1.5f, .top_k = 100, .top_p = 0.9f, .min_p = 0.01f, .seed = 123};
  Sampler a(params), b(params), other({.temperature = 1.5f, .top_k = 100, .top_p = 0.9f, .min_p = 0.01f, .seed = 124});
  int same = 0;
  for (int i = 0; i < 200; ++i) {
    const Token t = a.pick(logits);
    EXPECT_EQ(t, b.pick(logits));
    same += t == other.pick(logits);
  }
  EXPECT_LT(same, 150);
}

TEST(Draws, BrokenLogitsAreNeverDrawn) {
  const std::vector<float> logits = {kNan, 1, -kInf, 1, kNan};
  EXPECT_EQ(support({.temperature = 1}, logits), (std::set<Token>{1, 3}));
  EXPECT_EQ(pick_once({.temperature = 1}, {kNan, -kInf}), -1);
  EXPECT_EQ(support({.temperature = 1}, {0, kInf, 3}), (std::set<Token>{1}));
}

TEST(TopK, KeepsTheKLargest) {
  const std::vector<float> logits = {0.1f, 0.5f, 0.4f, 0.5f, 0.3f, 0.2f};
  EXPECT_EQ(support({.temperature = 1, .top_k = 3}, logits), (std::set<Token>{1, 2, 3}));
  EXPECT_EQ(support({.temperature = 1, .top_k = 1}, logits), (std::set<Token>{1}));  // tie: the lower id
  EXPECT_EQ(support({.temperature = 1, .top_k = 99}, logits).size(), 6u);
}

TEST(TopP, KeepsTheFewestThatReachP) {
  // Probabilities 0.5, 0.3, 0.15, 0.05.
  const std::vector<float> logits = {std::log(0.15f), std::log(0.5f), std::log(0.05f), std::log(0.3f)};
  EXPECT_EQ(support({.temperature = 1, .top_p = 0.49f}, logits), (std::set<Token>{1}));
  EXPECT_EQ(support({.temperature = 1, .top_p = 0.51f}, logits), (std::set<Token>{1, 3}));
  EXPECT_EQ(support({.temperature = 1, .top_p = 0.79f}, logits), (std::set<Token>{1, 3}));
  EXPECT_EQ(support({.temperature = 1, .top_p = 0.9f}, logits), (std::set<Token>{0, 1, 3}));
  EXPECT_EQ(support({.temperature = 1, .top_p = 1e-9f}, logits), (std::set<Token>{1}));
}

TEST(MinP, DropsWhatIsFarBelowTheBest) {
  const std::vector<float> logits = {std::log(0.15f), std::log(0.5f), std::log(0.05f), std::log(0.3f)};
  EXPECT_EQ(support({.temperature = 1, .min_p = 0.2f}, logits), (std::set<Token>{0, 1, 3}));
  EXPECT_EQ(support({.temperature = 1, .min_p = 0.5f}, logits), (std::set<Token>{1, 3}));
  EXPECT_EQ(support({.temperature = 1, .min_p = 1}, logits), (std::set<Token>{1}));
}

TEST(Penalties, RepetitionDividesPositiveAndMultipliesNegative) {
  EXPECT_EQ(pick_once({.repetition_penalty = 2}, {3, 2, -5}, {0}), 1);        // 3 -> 1.5
  EXPECT_EQ(pick_once({.repetition_penalty = 2}, {-1, -1.5f, -5}, {0}), 1);   // -1 -> -2
  EXPECT_EQ(pick_once({.repetition_penalty = 2}, {3, 1, -5}, {0, 0, 0}), 0);  // once, however often it was seen
}

TEST(Penalties, PresenceOnceFrequencyPerOccurrence) {
  EXPECT_EQ(pick_once({.presence_penalty = 1.5f}, {3, 2, 0}, {0, 0, 0}), 1);
  EXPECT_EQ(pick_once({.presence_penalty = 0.5f}, {3, 2, 0}, {0, 0, 0}), 0);
  EXPECT_EQ(pick_once({.frequency_penalty = 0.5f}, {3, 2, 0}, {0}), 0);
  EXPECT_EQ(pick_once({.frequency_penalty = 0.5f}, {3, 2, 0}, {0, 0, 0}), 1);
}

TEST(Penalties, LookBackAsFarAsTheWindow) {
  const std::vector<Token> history = {0, 2, 2};
  EXPECT_EQ(pick_once({.presence_penalty = 2, .penalty_window = 2}, {3, 2, 0}, history), 0);
  EXPECT_EQ(pick_once({.presence_penalty = 2, .penalty_window = 3}, {3, 2, 0}, history), 1);
  EXPECT_EQ(pick_once({.presence_penalty = 2, .penalty_window = -1}, {3, 2, 0}, history), 1);
  EXPECT_EQ(pick_once({.presence_penalty = 2, .penalty_window = 0}, {3, 2, 0}, history), 0);
}

TEST(LogitBias, AddsAndBans) {
  EXPECT_EQ(pick_once({.logit_bias = {{2, 10.0f}}}, {3, 2, 0}), 2);
  EXPECT_EQ(pick_once({.logit_bias = {{0, -kInf}}}, {3, 2, 0}), 1);
  EXPECT_EQ(support({.logit_bias = {{0, -kInf}}, .temperature = 1}, {3, 2, 0}), (std::set<Token>{1, 2}));
}

TEST(LogitBias, WhenAllAreBannedThereIsNoToken) {
  const std::map<Token, float> all = {{0, -kInf}, {1, -kInf}, {2, -kInf}};
  EXPECT_EQ(pick_once({.logit_bias = all}, {3, 2, 0}), -1);
  EXPECT_EQ(pick_once({.logit_bias = all, .temperature = 1}, {3, 2, 0}), -1);
}

TEST(Overflow, CountsAsTheLargestThereIs) {
  const float most = std::numeric_limits<float>::max();
  EXPECT_EQ(pick_once({}, {1, kInf, 2}), 1);
  EXPECT_EQ(pick_once({.repetition_penalty = 1e-3f}, {most, 1, 0}, {0}), 0);  // most / 1e-3 is infinite
  EXPECT_EQ(support({.temperature = 0.5f}, {kInf, kInf, 0}), (std::set<Token>{0, 1}));
}

TEST(Validate, NamesTheFieldAndWhatIsAllowed) {
  auto refused = [](const Params& params, const std::string& name) {
    try {
      validate(params, 10);
      ADD_FAILURE() << name << " was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::Usage);
      EXPECT_NE(std::string(e.what()).find(name), std::string::npos) << e.what();
    }
  };
  validate({}, 10);
  refused({.repetition_penalty = 0}, "repetition penalty");
  refused({.presence_penalty = kNan}, "presence penalty");
  refused({.frequency_penalty = kInf}, "frequency penalty");
  refused({.penalty_window = -2}, "penalty window");
  refused({.logit_bias = {{10, 1.0f}}}, "token 10");
  refused({.logit_bias = {{-1, 1.0f}}}, "token -1");
  refused({.logit_bias = {{1, kInf}}}, "token 1");
  refused({.temperature = -1}, "temperature");
  refused({.temperature = kNan}, "temperature");
  refused({.top_k = -1}, "top-k");
  refused({.top_p = 0}, "top-p");
  refused({.top_p = 1.5f}, "top-p");
  refused({.min_p = 2}, "min-p");
  refused({.typical_p = 0}, "typical");
  refused({.typical_p = 1.1f}, "typical");
  refused({.xtc_probability = 1.5f}, "XTC probability");
  refused({.xtc_threshold = 0}, "XTC threshold");
  refused({.xtc_threshold = 0.6f}, "XTC threshold");
  refused({.dry_multiplier = -1}, "DRY multiplier");
  refused({.dry_base = 0.5f}, "DRY base");
  refused({.dry_allowed_length = 0}, "DRY allowed length");
  refused({.dry_window = -2}, "DRY window");
  refused({.dry_breakers = {1, 2}}, "DRY breakers");
  refused({.mirostat_tau = -1}, "mirostat tau");
  refused({.mirostat_tau = kNan}, "mirostat tau");
  refused({.mirostat_eta = 0}, "mirostat eta");
  refused({.top_k = 5, .mirostat_tau = 5}, "mirostat and top-k");
  refused({.top_p = 0.9f, .mirostat_tau = 5}, "mirostat and top-p");
  refused({.min_p = 0.1f, .mirostat_tau = 5}, "mirostat and min-p");
  refused({.typical_p = 0.9f, .mirostat_tau = 5}, "mirostat and typical");
  refused({.xtc_probability = 0.5f, .mirostat_tau = 5}, "mirostat and XTC");
  validate({.dry_breakers = {1}, .temperature = 1, .mirostat_tau = 5}, 10);
}

}  // namespace
}  // namespace apr::sampling
