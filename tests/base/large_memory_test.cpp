#include "base/large_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <new>

namespace apr {
namespace {

TEST(LargeMemory, BeginsOnAHugePageAndHoldsWhatIsWritten) {
  constexpr size_t kBytes = (size_t(5) << 20) + 3;
  LargeMemory memory(kBytes);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % (size_t(2) << 20), 0u);
  for (size_t i = 0; i < kBytes; i += 4093) memory.data()[i] = std::byte(i % 251);
  memory.data()[kBytes - 1] = std::byte(7);
  const LargeMemory moved = std::move(memory);
  for (size_t i = 0; i < kBytes; i += 4093) ASSERT_EQ(moved.data()[i], std::byte(i % 251));
  EXPECT_EQ(moved.data()[kBytes - 1], std::byte(7));
}

TEST(LargeMemory, AnEmptyOneHasNoAddress) { EXPECT_EQ(LargeMemory().data(), nullptr); }

TEST(LargeMemory, WhatTheSystemCannotGiveIsBadAlloc) {
  EXPECT_THROW(LargeMemory(std::numeric_limits<size_t>::max()), std::bad_alloc);
  EXPECT_THROW(LargeMemory(size_t(1) << 62), std::bad_alloc);
}

}  // namespace
}  // namespace apr
