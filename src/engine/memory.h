#pragma once
#include <cstdint>

namespace apr::engine {

/// Bytes of memory that this process can still get without swapping: MemAvailable of the system, or what its cgroup's
/// limit leaves, whichever is less. UINT64_MAX when neither can be read. source  proc(5), Linux
/// Documentation/admin-guide/cgroup-v2.rst (memory.max, memory.current, memory.stat)
uint64_t available_memory();

/// All the memory of the machine or of the cgroup's limit; UINT64_MAX when it cannot be read.
uint64_t total_memory();

}  // namespace apr::engine
