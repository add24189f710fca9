#include "base/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace apr {
namespace {

bool on_a_cache_line(const void* p) { return reinterpret_cast<uintptr_t>(p) % Arena::kAlign == 0; }

TEST(Arena, PiecesAreAlignedAndDoNotOverlap) {
  Arena arena;
  arena.reserve(1 << 16);
  std::vector<std::pair<char*, size_t>> pieces;
  for (size_t n : {1u, 63u, 64u, 65u, 0u, 1000u, 7u}) pieces.emplace_back(arena.take<char>(n), n);
  for (size_t i = 0; i < pieces.size(); ++i) std::memset(pieces[i].first, int(i), pieces[i].second);
  for (size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_TRUE(on_a_cache_line(pieces[i].first));
    for (size_t j = 0; j < pieces[i].second; ++j) ASSERT_EQ(pieces[i].first[j], char(i)) << "piece " << i;
  }
}

TEST(Arena, SizesCountInElements) {
  Arena arena;
  arena.reserve(1 << 12);
  arena.take<double>(9);  // 72 bytes: two lines
  EXPECT_EQ(arena.mark(), 128u);
  arena.take<char>(128);
  EXPECT_EQ(arena.mark(), 256u);
}

TEST(Arena, ReleaseGivesTheSameMemoryAgain) {
  Arena arena;
  arena.reserve(1 << 12);
  arena.take<int>(3);
  const size_t mark = arena.mark();
  int* first = arena.take<int>(10);
  arena.take<int>(10);
  arena.release(mark);
  EXPECT_EQ(arena.take<int>(5), first);
}

TEST(Arena, PeakIsTheMostEverInUse) {
  Arena arena;
  arena.reserve(1 << 12);
  arena.take<char>(640);
  arena.release(0);
  arena.take<char>(64);
  EXPECT_EQ(arena.peak(), 640u);
}

TEST(Arena, ReserveDropsAllAndKeepsWhatItHas) {
  Arena arena;
  arena.reserve(1 << 12);
  char* p = arena.take<char>(100);
  arena.reserve(1 << 10);
  EXPECT_EQ(arena.mark(), 0u);
  EXPECT_EQ(arena.take<char>(1 << 12), p);
}

TEST(Arena, AllThatWasReservedCanBeTaken) {
  Arena arena;
  arena.reserve(256);
  std::memset(arena.take<char>(256), 1, 256);  // a sanitizer would see a byte too few
}

TEST(ArenaDeathTest, TakingMoreThanReservedEndsTheProgram) {
  Arena arena;
  arena.reserve(256);
  arena.take<char>(192);
  EXPECT_DEATH(arena.take<char>(65), "");
}

/// The same calls with and without memory.
size_t peak_of_some_calls(Arena& arena, unsigned seed) {
  std::mt19937 rng(seed);
  std::vector<size_t> marks;
  for (int i = 0; i < 200; ++i) {
    const unsigned choice = rng() % 4;
    if (choice == 0) {
      marks.push_back(arena.mark());
    } else if (choice == 1 && !marks.empty()) {
      arena.release(marks.back());
      marks.pop_back();
    } else {
      const size_t n = rng() % 300;
      float* p = arena.take<float>(n);
      EXPECT_EQ(p == nullptr, arena.measuring());
      if (p) std::memset(p, 0, n * sizeof(float));
    }
  }
  return arena.peak();
}

TEST(Arena, MeasuringCountsWhatARealRunTakes) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    Arena measuring;
    measuring.measure_only();
    const size_t peak = peak_of_some_calls(measuring, seed);
    Arena real;
    real.reserve(peak);  // one byte less and a call would end the program
    EXPECT_EQ(peak_of_some_calls(real, seed), peak);
  }
}

}  // namespace
}  // namespace apr
