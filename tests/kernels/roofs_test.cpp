// Roofs are only worth something if everything is read and everything multiplied; observers, if they hear of every
// verb.
#include "kernels/roofs.h"

#include <gtest/gtest.h>

#include "base/large_memory.h"
#include "kernels/support.h"

namespace apr::test {
namespace {

using kernels::Input;
using kernels::Step;
using kernels::Work;

std::vector<const kernels::Kernels*> all_kernels() {
  std::vector<const kernels::Kernels*> all;
  for (const kernels::IsaRow& row : kernels::all_isas()) {
    if (row.supported()) all.push_back(row.kernels);
  }
  return all;
}

TEST(Roofs, EveryLineIsRead) {
  constexpr size_t lines = 64;
  const LargeMemory memory(64 * lines);
  const std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(memory.data()), 64 * lines);
  for (const kernels::Kernels* k : all_kernels()) {
    for (const int streams : {1, 2, 4}) {
      for (const size_t ahead : {0, 1024}) {
        std::fill(bytes.begin(), bytes.end(), uint8_t(0));
        for (size_t line = 0; line < lines; ++line) {
          const uint32_t before = k->read(memory.data(), bytes.size(), streams, ahead);
          bytes[64 * line] = 1;
          EXPECT_NE(k->read(memory.data(), bytes.size(), streams, ahead), before)
              << k->name << ", " << streams << " streams, line " << line;
        }
      }
    }
  }
}

TEST(Roofs, MultiplyAddsAreDoneAndCounted) {
  const auto tile = std::make_unique<kernels::RoofTile>();
  std::fill(std::begin(tile->code), std::end(tile->code), uint8_t(2));
  std::fill(std::begin(tile->w), std::end(tile->w), 2.0f);
  for (auto& x : tile->x) std::fill(std::begin(x), std::end(x), int8_t(3));
  for (auto& f : tile->f) std::fill(std::begin(f), std::end(f), 3.0f);
  for (const kernels::Kernels* k : all_kernels()) {
    for (const bool wide : {false, true}) {
      for (const auto multiply : {k->multiply_int8, k->multiply_float}) {
        float one[16] = {}, two[16] = {};
        const uint64_t macs = multiply(*tile, 1, wide, one);
        EXPECT_EQ(multiply(*tile, 2, wide, two), 2 * macs) << k->name;
        EXPECT_EQ(macs % 16, 0u) << k->name;
        // Each product is 2 · 3; what a lane holds has gone into it. A matrix unit keeps one of its sums.
        const bool unit = k->name == "amx" && multiply == k->multiply_int8;
        EXPECT_EQ(one[0], unit ? 6.0f * 64 : 6.0f * float(macs / 16)) << k->name;
      }
    }
  }
}

TEST(Roofs, AreMeasured) {
  ThreadPool& pool = pool_of(2);
  const LargeMemory memory(4 << 20);
  kernels::first_touch(pool, {memory.data(), 4 << 20});
  const kernels::Kernels& best = *all_kernels().front();
  EXPECT_GT(kernels::read_roof(pool, best, {memory.data(), 4 << 20}), 0);
  EXPECT_GT(kernels::int8_roof(pool, best), 0);
  EXPECT_GT(kernels::float_roof(pool, best), 0);
}

/// What was heard.
struct Ear final : kernels::Observer {
  struct Heard {
    Step step;
    std::string weight;
    Work work;
  };
  std::vector<Heard> heard;
  void done(Step step, std::string_view weight, double seconds, const Work& work) override {
    EXPECT_GE(seconds, 0);
    heard.push_back({step, std::string(weight), work});
  }
};

TEST(Observer, HearsOfEachVerbAndItsWork) {
  Random random(3);
  Matrix quantised = random_matrix(quant::Type::Q8_0, 40, 64, random),
         floats = random_matrix(quant::Type::F32, 8, 64, random);
  quantised.view.name = "first.weight";
  const std::vector<float> numbers = random.floats(3 * 64);
  Ops ops(pool_of(2));
  ops.reserve(1 << 20);
  Ear ear;
  auto pass = [&] {
    ops.begin();
    Input x = ops.input({const_cast<float*>(numbers.data()), 3, 64});
    Mat a, b;
    ops.project(x, {{quantised.view, a}, {floats.view, b}});
  };
  pass();  // nobody listens
  ops.observe(&ear);
  pass();
  ops.observe(nullptr);
  pass();
  ASSERT_EQ(ear.heard.size(), 2u);
  EXPECT_EQ(ear.heard[0].step, Step::Round);
  EXPECT_EQ(ear.heard[1].step, Step::Project);
  EXPECT_EQ(ear.heard[1].weight, "first.weight");
  const Work& work = ear.heard[1].work;
  EXPECT_EQ(work.weight_bytes, 40u * 64 / 32 * 34 + 8 * 64 * 4);
  EXPECT_EQ(work.int8_macs, 3u * 40 * 64);
  EXPECT_EQ(work.float_macs, 3u * 8 * 64);
  EXPECT_EQ(work.kv_bytes + work.attention_macs, 0u);
}

TEST(Observer, CountsWhatAttentionSees) {
  constexpr int heads = 4, G = 2, d = 32, capacity = 16;
  std::vector<float> bytes(2 * G * capacity * d);
  std::byte* k = reinterpret_cast<std::byte*>(bytes.data());
  const kernels::KvView kv{k, k + 2 * G * capacity * d, G, d, capacity, 5, kernels::KvType::F16};
  const kernels::Sequence sequences[] = {{kv, 3}, {kv, 1}};
  const std::vector<float> q(4 * heads * d);
  Ops ops(pool_of(1));
  ops.reserve(1 << 20);
  Ear ear;
  ops.observe(&ear);
  ops.attend({const_cast<float*>(q.data()), 4, heads * d}, sequences, G, d, 1);
  ASSERT_EQ(ear.heard.size(), 1u);
  EXPECT_EQ(ear.heard[0].step, Step::Attend);
  EXPECT_EQ(ear.heard[0].work.kv_bytes, 2u * G * (8 + 6) * d * 2);  // 5 + 3 and 5 + 1 positions, keys and values
  EXPECT_EQ(ear.heard[0].work.attention_macs, 2u * heads * d * (6 + 7 + 8 + 6));
}

}  // namespace
}  // namespace apr::test
