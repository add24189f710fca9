#pragma once
#include "quant/block.h"

namespace apr::quant {

/// The fifth bits of 32 elements: bit i of a little-endian word belongs to element i. Writes 16 where it is set, else
/// 0.
APR_INLINE void load_fifth_bits(Bytes32& to, const std::byte* packed) {
  const uint8_t* bits = bytes_at(packed, 0);
  uint8_t high[32];
  for (int i = 0; i < 32; ++i) high[i] = uint8_t((bits[i / 8] >> (i % 8) & 1) << 4);
  std::memcpy(&to, high, 32);
}

/// 32 elements in 22 bytes: half d, 4 bytes of fifth bits, 16 bytes of nibbles (element i low, i + 16 high). w = d * (q
/// - 16).
struct Q5_0 {
  static constexpr TypeInfo info{Type::Q5_0, "Q5_0", 6, 32, 22};
  static constexpr int group = 32;
  static constexpr bool affine = false;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) {
    Bytes32 high;
    load_fifth_bits(high, block + 2);
    load_nibbles(out[0], block + 6);
    out[0] = (out[0] | high) - 16;
  }
  APR_INLINE static void scales(const std::byte* block, HalfScales& out) { out.scale = load_u16(block); }
};

}  // namespace apr::quant
