#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 176 bytes: half d, half dmin, 12 bytes of 6-bit scales and mins, 32 bytes of fifth bits, 128 bytes
/// of nibbles (as Q4_K). Fifth bit of element 32 j + i: bit j of byte i. w = d * sc * q - dmin * m.
struct Q5_K {
  static constexpr TypeInfo info{Type::Q5_K, "Q5_K", 13, 256, 176};
  static constexpr int group = 32;
  static constexpr bool affine = true;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) {
    Bytes32 high;
    load(high, block + 16);
    for (int j = 0; j < 4; ++j) {
      Bytes32 q;
      load(q, block + 48 + 32 * j);
      out[2 * j] = (q & 15) | (high >> (2 * j) & 1) << 4;
      out[2 * j + 1] = q >> 4 | (high >> (2 * j + 1) & 1) << 4;
    }
  }
  APR_INLINE static void scales(const std::byte* block, ByteScales& out) {
    unpack_6bit_scales(block + 4, out);
    out.d = load_u16(block);
    out.dmin = load_u16(block + 2);
  }
};

}  // namespace apr::quant
