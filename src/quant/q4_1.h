#pragma once
#include "quant/block.h"

namespace apr::quant {

inline constexpr uint16_t kHalfSign =
    0x8000;  ///< flips the sign of a half: these types add their min, the canonical form subtracts it

/// 32 elements in 20 bytes: half d, half m, then 16 bytes of nibbles (element i low, i + 16 high). w = d * q + m.
struct Q4_1 {
  static constexpr TypeInfo info{Type::Q4_1, "Q4_1", 3, 32, 20};
  static constexpr int group = 32;
  static constexpr bool affine = true;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) { load_nibbles(out[0], block + 4); }
  APR_INLINE static void scales(const std::byte* block, HalfScales& out) {
    out.scale = load_u16(block);
    out.min = load_u16(block + 2) ^ kHalfSign;
  }
};

}  // namespace apr::quant
