#pragma once
#include <cstdint>
#include <initializer_list>

namespace apr {

/// Bytes of memory that this process can still get without swapping: MemAvailable of the system, or what its cgroup's
/// limit leaves, whichever is less. UINT64_MAX when neither can be read. source  proc(5), Linux
/// Documentation/admin-guide/cgroup-v2.rst (memory.max, memory.current, memory.stat)
uint64_t available_memory();

/// All the memory of the machine or of the cgroup's limit; UINT64_MAX when it cannot be read.
uint64_t total_memory();

/// Sums of sizes that untrusted numbers made: what overflows is UINT64_MAX, more than any memory.
inline uint64_t saturating_sum(std::initializer_list<uint64_t> sizes) {
  uint64_t sum = 0;
  for (const uint64_t size : sizes) {
    if (__builtin_add_overflow(sum, size, &sum)) return UINT64_MAX;
  }
  return sum;
}

}  // namespace apr
