#include "engine/bench.h"

#include <gtest/gtest.h>

#include "engine/bundled.h"

namespace apr::engine {
namespace {

struct Opened {
  explicit Opened(int sequences) : engine(test::kBundledModel, {.threads = 2, .context = 64, .sequences = sequences}) {
    for (int s = 0; s < sequences; ++s) sessions.emplace_back(engine);
  }
  Engine engine;
  std::vector<Session> sessions;
};

TEST(Bench, CountsTheSameWorkWhateverItIsTimedFor) {
  Opened o(3);
  RoofMeter meter(o.engine);
  const BenchPlan plan{.prefill = 20, .decode = 4, .batch = 3, .depth = 5, .repeat = 2, .profile = true};
  size_t rounds = 0;
  const std::atomic<bool> never{false};
  const auto result = run_bench(
      o.engine, o.sessions, meter, plan,
      [&](size_t done, size_t all) {
        EXPECT_EQ(done, ++rounds);
        EXPECT_EQ(all, 12u);
      },
      never);
  EXPECT_EQ(rounds, 12u);
  ASSERT_TRUE(result && result->prefill && result->decode && result->batch);
  for (const Figures* f : {&*result->prefill, &*result->decode, &*result->batch}) {
    EXPECT_EQ(f->seconds.size(), 2u);
    EXPECT_GT(f->work.bytes(), 0u);
    EXPECT_EQ(f->profile.work().bytes(), f->work.bytes());
    EXPECT_EQ(f->profile.work().matrix_macs(), f->work.matrix_macs());
    EXPECT_LE(f->profile.seconds(), f->profiled_seconds);
    EXPECT_GT(f->roofs.read, 0);
  }
  // The same multiply-adds for each sequence, but for what its experts' types make of them; fewer bytes together.
  EXPECT_EQ(result->batch->work.matrix_macs(), 3 * result->decode->work.matrix_macs());
  EXPECT_EQ(result->batch->work.kv_bytes, 3 * result->decode->work.kv_bytes);
  EXPECT_LT(result->batch->work.weight_bytes, 3 * result->decode->work.weight_bytes);
  EXPECT_GE(result->batch->work.weight_bytes, result->decode->work.weight_bytes);
  for (const Session& s : o.sessions) EXPECT_EQ(s.tokens().size(), 9u);
}

TEST(Bench, IsGivenUpWhenCancelled) {
  Opened o(2);
  RoofMeter meter(o.engine);
  std::atomic<bool> cancel{false};
  size_t rounds = 0;
  auto cancel_after_two = [&](size_t, size_t) { cancel = ++rounds == 2; };
  EXPECT_FALSE(
      run_bench(o.engine, o.sessions, meter, {.prefill = 8, .decode = 2, .batch = 2}, cancel_after_two, cancel));
  EXPECT_EQ(rounds, 2u);
}

TEST(Roofs, LeastSecondsAreThoseOfTheTighterOne) {
  const Roofs roofs{.read = 10, .int8_macs = 100, .float_macs = 20};
  EXPECT_DOUBLE_EQ(roofs.least_seconds({.weight_bytes = 15, .kv_bytes = 5, .int8_macs = 50}), 2);
  EXPECT_DOUBLE_EQ(roofs.least_seconds({.weight_bytes = 1, .int8_macs = 50, .float_macs = 20, .attention_macs = 20}),
                   2.5);
}

TEST(Roofs, OfASmallModelAreThoseOfMemoryAsLarge) {
  Opened o(1);
  const RoofMeter meter(o.engine);
  EXPECT_NE(meter.memory().find("MiB of memory"), std::string::npos) << meter.memory();
}

}  // namespace
}  // namespace apr::engine
