#pragma once
#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "kernels/table.h"

namespace apr::kernels {

/// The roofs that a machine puts over products and attention (Williams et al., "Roofline", CACM 52(4)):
/// what all threads of a pool do at best when they do nothing else. Each is the best of several shapes, in a fraction
/// of a second; on a shared machine it holds for that moment.
///
/// units   bytes/s; multiply-adds/s
/// needs   read: memory that was written before (weights, or memory touched by first_touch), a multiple of 1 MiB, well
///         beyond the caches where the roof of memory is wanted
/// threads those of the pool
double read_roof(ThreadPool& pool, const Kernels& k, std::span<const std::byte> memory);
double int8_roof(ThreadPool& pool, const Kernels& k);
double float_roof(ThreadPool& pool, const Kernels& k);

/// Writes to every page.
void first_touch(ThreadPool& pool, std::span<std::byte> memory);

}  // namespace apr::kernels
