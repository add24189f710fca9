#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 18 bytes: half d, then 16 bytes of nibbles (element i low, i + 16 high). w = d * (q - 8).
struct Q4_0 {
  static constexpr TypeInfo info{Type::Q4_0, "Q4_0", 2, 32, 18};
  static constexpr int group = 32;
  static constexpr bool affine = false;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) {
    load_nibbles(out[0], block + 2);
    out[0] -= 8;
  }
  APR_INLINE static void scales(const std::byte* block, HalfScales& out) { out.scale = load_u16(block); }
};

}  // namespace apr::quant
