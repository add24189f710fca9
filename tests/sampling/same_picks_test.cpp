// Sampler takes short cuts; what it picks is what the plain one picks, which takes none.
#include <gtest/gtest.h>

#include <random>

#include "sampling/plain_sampler.h"

namespace apr::sampling {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

enum class Shape { Normal, Peaked, Flat, Ties, Broken, Few, Huge };
constexpr Shape kShapes[] = {Shape::Normal, Shape::Peaked, Shape::Flat, Shape::Ties,
                             Shape::Broken, Shape::Few,    Shape::Huge};

std::vector<float> logits(Shape shape, size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, shape == Shape::Flat ? 0.1f : 3);
  std::vector<float> all(n);
  for (float& x : all) x = normal(random);
  auto some = [&](size_t every) { return n / every + 1; };
  switch (shape) {
    case Shape::Peaked:
      for (size_t i = 0; i < some(100); ++i) all[random() % n] = 15 + normal(random);
      break;
    case Shape::Ties:
      for (float& x : all) x = std::round(x);
      break;
    case Shape::Broken: {
      const float odd[] = {std::nanf(""), kInf, -kInf, std::numeric_limits<float>::max(), -0.0f};
      for (size_t i = 0; i < some(3); ++i) all[random() % n] = odd[random() % 5];
      break;
    }
    case Shape::Few:
      for (float& x : all) x = -kInf;
      for (size_t i = 0; i < some(50); ++i) all[random() % n] = normal(random);
      break;
    case Shape::Huge:
      for (float& x : all) x *= 1e36f;
      break;
    case Shape::Normal:
    case Shape::Flat:
      break;
  }
  return all;
}

/// Which tokens may be chosen: all, most, few or one, with whole words of each kind.
std::vector<uint64_t> mask(size_t n, uint32_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> words(mask_words(n));
  for (uint64_t& w : words) w = seed % 4 == 0 ? ~uint64_t(0) : random() % 2 ? random() : random() % 2 * ~uint64_t(0);
  if (seed % 4 == 3) std::fill(words.begin(), words.end(), 0);
  set(words, Token(random() % n), true);
  return words;
}

void expect_same(const Params& params, size_t n, int picks, uint32_t seed, bool masked = false) {
  for (const Shape shape : kShapes) {
    Sampler sampler(params);
    PlainSampler plain(params);
    for (int i = 0; i < picks; ++i) {
      const std::vector<float> l = logits(shape, n, seed + uint32_t(i));
      const std::vector<uint64_t> may = masked ? mask(n, seed + uint32_t(i)) : std::vector<uint64_t>{};
      const Token expected = plain.pick(l, may);
      ASSERT_EQ(sampler.pick(l, may), expected) << "shape " << int(shape) << ", V " << n << ", pick " << i;
      if (masked && expected >= 0) {
        ASSERT_TRUE(holds(may, expected));
      }
      for (const Token t : {expected, Token(unsigned(i) * 7 % n)}) sampler.accept(t), plain.accept(t);
    }
  }
}

TEST(SamePicks, EveryChainAndShape) {
  for (const size_t n : {1u, 2u, 63u, 64u, 65u, 1000u, 5000u}) {
    for (const float temperature : {0.0f, 0.05f, 0.7f, 1.0f, 5.0f}) {
      for (const int top_k : {0, 1, 20, 70, 400, 5000}) {
        for (const float top_p : {1.0f, 0.999f, 0.9f, 0.3f, 1e-6f}) {
          for (const float min_p : {0.0f, 1e-30f, 0.05f, 1.0f}) {
            const Params params{.temperature = temperature, .top_k = top_k, .top_p = top_p, .min_p = min_p, .seed = n};
            expect_same(params, n, 2, uint32_t(top_k));
          }
        }
      }
    }
  }
}

TEST(SamePicks, PenaltiesAndBias) {
  for (const size_t n : {10u, 300u}) {
    std::map<Token, float> bias;
    for (Token id = 0; id < Token(n); id += 3) bias[id] = id % 2 ? -kInf : float(id % 5) - 1;
    for (const Params& penalties : {Params{.repetition_penalty = 1.3f}, Params{.repetition_penalty = 1e-3f},
                                    Params{.presence_penalty = 1.5f, .frequency_penalty = -0.3f},
                                    Params{.repetition_penalty = 1.1f, .presence_penalty = 0.5f, .penalty_window = -1},
                                    Params{.presence_penalty = 0.5f, .penalty_window = 3}}) {
      for (const float temperature : {0.0f, 0.8f}) {
        for (const bool biased : {false, true}) {
          for (const float top_p : {1.0f, 0.9f}) {
            Params params = penalties;
            params.temperature = temperature;
            params.top_p = top_p;
            if (biased) params.logit_bias = bias;
            expect_same(params, n, 30, 77);
          }
        }
      }
    }
  }
}

TEST(SamePicks, TypicalAndExcludedTops) {
  for (const size_t n : {1u, 2u, 65u, 3000u}) {
    for (const float temperature : {0.3f, 1.0f, 3.0f}) {
      for (const Params& before : {Params{}, Params{.top_k = 50}, Params{.top_p = 0.9f}, Params{.min_p = 0.02f}}) {
        for (const float typical : {1.0f, 0.95f, 0.5f, 0.05f}) {
          for (const float threshold : {0.0f, 0.5f, 0.1f, 0.01f, 1e-12f}) {  // 0: off
            Params params = before;
            params.temperature = temperature;
            params.typical_p = typical;
            params.xtc_probability = threshold > 0 ? 0.8f : 0;
            if (threshold > 0) params.xtc_threshold = threshold;
            params.seed = n;
            expect_same(params, n, 3, uint32_t(n) + 31);
          }
        }
      }
    }
  }
}

TEST(SamePicks, Mirostat) {
  for (const size_t n : {1u, 2u, 100u, 3000u}) {
    for (const float tau : {0.1f, 2.0f, 5.0f, 30.0f}) {
      for (const float eta : {0.1f, 1.0f}) {
        expect_same({.temperature = 1.1f, .mirostat_tau = tau, .mirostat_eta = eta, .seed = n}, n, 60, 3);
      }
    }
  }
}

TEST(SamePicks, RepeatsAreFoundAsByComparingEverything) {
  for (const size_t n : {3u, 40u}) {  // so few tokens that there are many repeats
    const std::vector<uint64_t> breakers = {0b100};
    for (const int allowed : {1, 2, 5}) {
      for (const int window : {-1, 0, 1, 7, 50}) {
        for (const bool broken : {false, true}) {
          for (const float temperature : {0.0f, 1.5f}) {
            expect_same({.dry_multiplier = 0.8f,
                         .dry_base = 1.5f,
                         .dry_allowed_length = allowed,
                         .dry_window = window,
                         .dry_breakers = broken ? breakers : std::vector<uint64_t>{},
                         .temperature = temperature},
                        n, 100, 11);
          }
        }
      }
    }
  }
}

TEST(SamePicks, Masks) {
  for (const size_t n : {1u, 64u, 65u, 3000u}) {
    for (const Params& params :
         {Params{}, Params{.temperature = 1}, Params{.temperature = 1, .top_k = 5},
          Params{.temperature = 1, .top_p = 0.9f}, Params{.temperature = 1, .min_p = 0.1f},
          Params{.temperature = 1, .typical_p = 0.9f}, Params{.temperature = 1, .xtc_probability = 1},
          Params{.temperature = 1, .mirostat_tau = 3},
          Params{.repetition_penalty = 1.2f, .dry_multiplier = 1, .logit_bias = {{0, 3.0f}}, .temperature = 1}}) {
      expect_same(params, n, 12, 100, /*masked=*/true);
    }
  }
}

TEST(SamePicks, ManyDraws) {
  for (const Params& params :
       {Params{.temperature = 0.9f}, Params{.temperature = 0.9f, .top_p = 0.95f},
        Params{.temperature = 1, .min_p = 0.1f}, Params{.temperature = 1, .top_k = 40, .top_p = 0.9f},
        Params{.temperature = 2, .top_p = 0.9f, .min_p = 0.001f}, Params{.temperature = 1, .typical_p = 0.9f},
        Params{.temperature = 1, .min_p = 0.02f, .xtc_probability = 0.5f},
        Params{.temperature = 1, .xtc_probability = 0.5f, .xtc_threshold = 0.01f}}) {
    expect_same(params, 3000, 300, 5);
  }
}

TEST(SamePicks, WholeVocabulary) {
  for (const Params& params :
       {Params{.temperature = 1}, Params{.temperature = 1, .top_p = 0.9f}, Params{.temperature = 0.6f, .top_k = 1000},
        Params{.temperature = 3, .top_p = 0.99f}, Params{.temperature = 1, .typical_p = 0.9f},
        Params{.temperature = 1, .typical_p = 0.2f}, Params{.temperature = 1, .xtc_probability = 1},
        Params{.temperature = 1, .mirostat_tau = 4}}) {
    expect_same(params, 151936, 2, 9);
  }
}

TEST(Scores, ExpSumsAreWithinTheirSlack) {
  for (const Shape shape : {Shape::Normal, Shape::Peaked, Shape::Flat, Shape::Few, Shape::Huge}) {
    for (const double temperature : {0.05, 0.7, 1.0, 4.0}) {
      const std::vector<float> l = logits(shape, 4000, 3);
      Scores scores;
      scores.assign(l);
      scores.settle();
      double exact = 0;
      for (const float x : l) exact += std::exp((double(x) - double(scores.largest())) / temperature);
      for (const double rough : {-std::numeric_limits<double>::infinity(), -8.0, 0.0}) {
        const Scores::Sum sum = scores.sum_exp(temperature, rough);
        EXPECT_NEAR(sum.value, exact, sum.slack) << "shape " << int(shape) << ", " << temperature << ", " << rough;
        EXPECT_LE(sum.slack, sum.value * 4e-5);
      }
      // So near that it means something: the series' remainder, not much more.
      EXPECT_LE(scores.sum_exp(temperature, -std::numeric_limits<double>::infinity()).slack, exact * 1e-9);
    }
  }
}

TEST(Scores, MeansOfExponentsAreWithinTheirSlack) {
  for (const Shape shape : {Shape::Normal, Shape::Peaked, Shape::Flat, Shape::Few, Shape::Huge}) {
    for (const double temperature : {0.05, 0.7, 1.0, 4.0}) {
      const std::vector<float> l = logits(shape, 4000, 3);
      Scores scores;
      scores.assign(l);
      scores.settle();
      double total = 0, first = 0;
      for (const float x : l) {
        const double exponent = (double(x) - double(scores.largest())) / temperature, weight = std::exp(exponent);
        total += weight;
        if (weight > 0) first += weight * exponent;
      }
      const Scores::Mean found = scores.mean_exp(temperature);
      EXPECT_NEAR(found.total, total, found.slack);
      EXPECT_NEAR(found.mean, first / total, found.mean_slack) << "shape " << int(shape) << ", " << temperature;
      EXPECT_LE(found.mean_slack, std::abs(found.mean) * 2e-9 + 1e-200);
    }
  }
}

}  // namespace
}  // namespace apr::sampling
