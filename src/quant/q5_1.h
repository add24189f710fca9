#pragma once
#include "quant/block.h"
#include "quant/q4_1.h"
#include "quant/q5_0.h"

namespace apr::quant {

/// 32 elements in 24 bytes: half d, half m, 4 bytes of fifth bits, 16 bytes of nibbles (element i low, i + 16 high). w
/// = d * q + m.
struct Q5_1 {
  static constexpr TypeInfo info{Type::Q5_1, "Q5_1", 7, 32, 24};
  static constexpr int group = 32;
  static constexpr bool affine = true;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) {
    Bytes32 high;
    load_fifth_bits(high, block + 4);
    load_nibbles(out[0], block + 8);
    out[0] |= high;
  }
  APR_INLINE static void scales(const std::byte* block, HalfScales& out) {
    out.scale = load_u16(block);
    out.min = load_u16(block + 2) ^ kHalfSign;
  }
};

}  // namespace apr::quant
