#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 210 bytes: 128 bytes of low nibbles, 64 bytes of upper two bits, 16 signed scales (per 16 elements),
/// half d. In each half of 128 elements, with 64 low and 32 upper bytes: elements 0-63 are the low nibbles of its bytes
/// 0-63, elements 64-127 the high ones; the upper bits of element 32 k + i are bits 2 k, 2 k + 1 of upper byte i. w = d
/// * sc * (q - 32).
struct Q6_K {
  static constexpr TypeInfo info{Type::Q6_K, "Q6_K", 14, 256, 210};
  static constexpr int group = 16;
  static constexpr bool affine = false;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) {
    for (int half = 0; half < 2; ++half) {
      Bytes32 low[2], top;
      load(low[0], block + 64 * half);
      load(low[1], block + 64 * half + 32);
      load(top, block + 128 + 32 * half);
      for (int k = 0; k < 4; ++k)
        out[4 * half + k] = ((low[k % 2] >> (4 * (k / 2)) & 15) | (top >> (2 * k) & 3) << 4) - 32;
    }
  }
  APR_INLINE static void scales(const std::byte* block, ByteScales& out) {
    std::memcpy(out.scale, block + 192, 16);
    out.d = load_u16(block + 208);
  }
};

}  // namespace apr::quant
