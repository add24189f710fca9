#pragma once
#include "quant/block.h"

namespace apr::quant {

/// The sixteen levels of the IQ4 types, spaced as weights are distributed (GGUF format constant).
inline constexpr int8_t kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// 16 bytes of nibbles -> 32 levels (element i low, i + 16 high).
APR_INLINE void load_iq4_levels(Bytes32& to, const std::byte* packed) {
  const uint8_t* q = bytes_at(packed, 0);
  uint8_t level[32];
  for (int i = 0; i < 16; ++i) level[i] = uint8_t(kIq4Levels[q[i] & 15]);
  for (int i = 0; i < 16; ++i) level[i + 16] = uint8_t(kIq4Levels[q[i] >> 4]);
  std::memcpy(&to, level, 32);
}

/// 32 elements in 18 bytes: half d, then 16 bytes of nibbles. w = d * level[q].
struct IQ4_NL {
  static constexpr TypeInfo info{Type::IQ4_NL, "IQ4_NL", 20, 32, 18};
  static constexpr int group = 32;
  static constexpr bool affine = false;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) { load_iq4_levels(out[0], block + 2); }
  APR_INLINE static void scales(const std::byte* block, HalfScales& out) { out.scale = load_u16(block); }
};

}  // namespace apr::quant
