#pragma once
#include "quant/block.h"

namespace apr::quant {

/// The sixteen levels of the IQ4 types, spaced as weights are distributed (GGUF format constant).
inline constexpr int8_t kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// 16 bytes of nibbles -> 32 levels (element i low, i + 16 high).
APR_INLINE void unpack_iq4_levels(const std::byte* packed, uint8_t* __restrict code) {
  const uint8_t* __restrict q = bytes_at(packed, 0);
  for (int i = 0; i < 16; ++i) code[i] = uint8_t(kIq4Levels[q[i] & 15]);
  for (int i = 0; i < 16; ++i) code[i + 16] = uint8_t(kIq4Levels[q[i] >> 4]);
}

/// 32 elements in 18 bytes: half d, then 16 bytes of nibbles. w = d * level[q].
struct IQ4_NL {
  static constexpr TypeInfo info{Type::IQ4_NL, "IQ4_NL", 20, 32, 18};
  static constexpr int group = 32;
  static constexpr bool affine = false;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* scale, float*) {
    unpack_iq4_levels(block + 2, code);
    scale[0] = load_half(block);
  }
};

}  // namespace apr::quant
