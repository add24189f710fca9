#pragma once
#include <cstdint>
#include <random>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace apr::tokenizer {

/// Differs from process to process, so that no model file can be made whose words or merges all meet in one place of a
/// table. Results never depend on it.
inline uint64_t process_seed() {
  static const uint64_t seed = [] {
    std::random_device device;
    return uint64_t(device()) << 32 | device();
  }();
  return seed;
}

inline uint64_t hash_bytes(const void* data, size_t bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(data, bytes, seed);
}

}  // namespace apr::tokenizer
