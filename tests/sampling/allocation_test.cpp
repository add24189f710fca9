// A token costs no allocation, once the memory for such tokens is there. This program replaces operator new, so it
// stands alone.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <random>
#include <vector>

#include "sampling/sampler.h"

namespace {
std::atomic<size_t> allocations{0};
// Not inlined: GCC would see free() called on what new returned, and warn.
[[gnu::noinline]] void give_back(void* p) { std::free(p); }
}  // namespace

void* operator new(size_t n) {
  ++allocations;
  if (void* p = std::malloc(n ? n : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { give_back(p); }
void operator delete(void* p, size_t) noexcept { give_back(p); }

namespace apr::sampling {
namespace {

TEST(Allocation, NoneForATokenLikeThoseBefore) {
  constexpr size_t kVocabulary = 5000;
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 3);
  std::vector<std::vector<float>> logits(8, std::vector<float>(kVocabulary));
  for (auto& row : logits) {
    for (float& x : row) x = normal(random);
  }
  const std::vector<uint64_t> mask(mask_words(kVocabulary), 0xfffffffffffffff1);
  for (const Params& params :
       {Params{}, Params{.temperature = 1}, Params{.temperature = 1, .top_k = 40},
        Params{.temperature = 1, .top_p = 0.9f}, Params{.temperature = 1, .min_p = 0.1f},
        Params{.temperature = 1, .typical_p = 0.9f},
        Params{.temperature = 1, .xtc_probability = 1, .xtc_threshold = 0.01f},
        Params{.temperature = 1, .mirostat_tau = 9},
        Params{.repetition_penalty = 1.1f, .penalty_window = -1, .dry_multiplier = 1, .logit_bias = {{3, 1.0f}}}}) {
    Sampler sampler(params);
    for (int i = 0; i < 300; ++i) sampler.accept(Token(random() % 20));
    auto picks = [&] {
      for (int i = 0; i < 40; ++i) {
        for (const auto& row : logits) ASSERT_GE(sampler.pick(row, i % 2 ? Mask(mask) : Mask()), 0);
      }
    };
    picks();
    const size_t before = allocations;
    picks();
    EXPECT_EQ(allocations, before) << "temperature " << params.temperature;
  }
}

}  // namespace
}  // namespace apr::sampling
