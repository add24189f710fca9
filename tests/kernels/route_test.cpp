// Which experts each token goes to.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/support.h"

namespace apr::test {
namespace {

using kernels::Routing;

/// A routing as vectors, so that it outlives the arena.
struct Routed {
  std::vector<int> expert, used_expert, first_slot, slot_token;
  std::vector<float> weight, slot_weight;
};

Routed route(std::vector<float> logits, int E, int K, std::string_view isa = "", int threads = 2) {
  auto ops = make_ops(isa, threads);
  const Routing r = ops->route(mat_of(logits, E), K);
  const size_t slots = size_t(r.tokens) * size_t(r.kept), used = size_t(r.used);
  EXPECT_EQ(size_t(r.tokens) * size_t(E), logits.size());
  EXPECT_EQ(r.kept, K);
  return {{r.expert, r.expert + slots},
          {r.used_expert, r.used_expert + used},
          {r.first_slot, r.first_slot + used + 1},
          {r.slot_token, r.slot_token + slots},
          {r.weight, r.weight + slots},
          {r.slot_weight, r.slot_weight + slots}};
}

/// Slots hold each (token, expert) pair once, by expert and then by token, with its weight.
void expect_sorted_slots(const Routed& r, int K) {
  ASSERT_TRUE(std::is_sorted(r.used_expert.begin(), r.used_expert.end()));
  ASSERT_EQ(r.first_slot.front(), 0);
  ASSERT_EQ(r.first_slot.back(), int(r.expert.size()));
  for (size_t u = 0; u < r.used_expert.size(); ++u) {
    ASSERT_LT(r.first_slot[u], r.first_slot[u + 1]) << "an unused expert is listed";
    for (int slot = r.first_slot[u]; slot < r.first_slot[u + 1]; ++slot) {
      const int token = r.slot_token[size_t(slot)];
      if (slot > r.first_slot[u]) {
        ASSERT_LT(r.slot_token[size_t(slot) - 1], token);
      }
      const auto begin = r.expert.begin() + token * K, at = std::find(begin, begin + K, r.used_expert[u]);
      ASSERT_NE(at, begin + K) << "token " << token << " did not choose expert " << r.used_expert[u];
      ASSERT_TRUE(same_bits(&r.slot_weight[size_t(slot)], &r.weight[size_t(at - r.expert.begin())], 1));
    }
  }
}

void expect_weights_sum_to_one(const Routed& r, int K) {
  for (size_t i = 0; i < r.weight.size(); i += size_t(K)) {
    double sum = 0;
    for (size_t k = i; k < i + size_t(K); ++k) {
      ASSERT_TRUE(r.weight[k] >= 0 && std::isfinite(r.weight[k])) << r.weight[k];
      sum += double(r.weight[k]);
    }
    ASSERT_NEAR(sum, 1, 1e-6);
  }
}

// Softmax, keep, rescale: the same as the softmax of the kept logits. Of a weight's roundings, those of softmax's sum
// and division cancel; left are the exps (kExpError each) and their differences (2^-24 times at most 2 * 5) of
// numerator and denominator, K additions and a division.
TEST(Route, KeepsTheLargestAndRescales) {
  Random random(1);
  for (int K : {1, 2, 8, 31, 32}) {
    const int E = 32, T = 50;
    const std::vector<float> logits = random.floats(size_t(T * E), 5);
    const Routed r = route(logits, E, K);
    for (int t = 0; t < T; ++t) {
      const float* row = logits.data() + t * E;
      std::vector<int> order(E);
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(), [&](int a, int b) { return row[a] != row[b] ? row[a] > row[b] : a < b; });
      order.resize(size_t(K));
      std::sort(order.begin(), order.end());
      double sum = 0;
      for (int e : order) sum += std::exp(double(row[e]));
      for (int k = 0; k < K; ++k) {
        const size_t at = size_t(t * K + k);
        ASSERT_EQ(r.expert[at], order[size_t(k)]) << "token " << t << ", K " << K;
        const double expected = std::exp(double(row[order[size_t(k)]])) / sum;
        ASSERT_NEAR(r.weight[at], expected, expected * (2 * kExpError + gamma(2 * 10 + K + 4)));
      }
    }
    expect_sorted_slots(r, K);
    expect_weights_sum_to_one(r, K);
  }
}

TEST(Route, TiesGoToTheLowerId) {
  const Routed flat = route(std::vector<float>(8, 0.25f), 8, 3);
  EXPECT_EQ(flat.expert, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(route({1, 3, 2, 3, 3, 2}, 6, 2).expert, (std::vector<int>{1, 3}));
  EXPECT_EQ(route({1, 3, 2, 3, 3, 2}, 6, 4).expert, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Route, AllExpertsAndOnlyOne) {
  const Routed all = route({3, 1, 2}, 3, 3);
  EXPECT_EQ(all.expert, (std::vector<int>{0, 1, 2}));
  EXPECT_GT(all.weight[0], all.weight[2]);
  EXPECT_GT(all.weight[2], all.weight[1]);
  const Routed one = route({3, 1, 2, 0, 9, 1}, 3, 1);
  EXPECT_EQ(one.expert, (std::vector<int>{0, 1}));
  EXPECT_EQ(one.weight, (std::vector<float>{1, 1}));
  EXPECT_EQ(route({42}, 1, 1).weight, std::vector<float>{1});
}

TEST(Route, LargeLogitsStayFinite) {
  const Routed r = route({1000, 999, -1000, 3e38f, 1000, 999, -1000, 0}, 4, 2);
  EXPECT_EQ(r.expert, (std::vector<int>{0, 3, 0, 1}));
  expect_weights_sum_to_one(r, 2);
  EXPECT_NEAR(r.weight[2], 1 / (1 + std::exp(-1.0)), 1e-6);
}

// The choice means nothing then, but it is one, and the weights say so.
TEST(Route, NanAndInfinityStayVisibleInTheWeights) {
  constexpr float inf = HUGE_VALF;
  const float nan = std::nanf("");
  for (const std::vector<float>& logits : {std::vector<float>(8, nan),
                                           {nan, 0, 1, 2, 3, 4, 5, 6},
                                           {0, nan, 1, 2, 3, 4, 5, 6},
                                           {inf, 0, 1, 2, 3, 4, 5, inf},
                                           std::vector<float>(8, -inf)}) {
    for (int K : {1, 3, 8}) {
      const Routed r = route(logits, 8, K);
      for (int k = 0; k < K; ++k) ASSERT_TRUE(r.expert[size_t(k)] >= 0 && r.expert[size_t(k)] < 8);
      ASSERT_EQ(std::adjacent_find(r.expert.begin(), r.expert.end()), r.expert.end()) << "an expert twice";
      expect_sorted_slots(r, K);
      for (float w : r.weight) ASSERT_TRUE(std::isnan(w)) << w;
    }
  }
}

class RouteOnEveryIsa : public OnEveryIsa {};
APR_ON_EVERY_ISA(RouteOnEveryIsa);

TEST_P(RouteOnEveryIsa, IsTheSameOnAnyThreadsAndForATokenAlone) {
  Random random(2);
  const int E = 128, K = 8, T = 40;
  const std::vector<float> logits = random.floats(size_t(T * E), 4);
  const Routed expected = route(logits, E, K, "scalar", 1);
  for (int threads : kThreadCounts) {
    const Routed r = route(logits, E, K, isa(), threads);
    EXPECT_EQ(r.expert, expected.expert);
    EXPECT_TRUE(same_bits(r.weight, expected.weight));
    expect_sorted_slots(r, K);
  }
  for (int t : {0, 17, T - 1}) {
    const Routed alone = route({logits.begin() + t * E, logits.begin() + (t + 1) * E}, E, K, isa(), 1);
    EXPECT_TRUE(std::equal(alone.expert.begin(), alone.expert.end(), expected.expert.begin() + t * K));
    EXPECT_TRUE(same_bits(alone.weight.data(), expected.weight.data() + t * K, size_t(K)));
  }
}

}  // namespace
}  // namespace apr::test
