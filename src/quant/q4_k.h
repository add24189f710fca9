#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 144 bytes: half d, half dmin, 12 bytes of 6-bit scales and mins, 128 bytes of nibbles.
/// Elements 64 j + i are the low nibbles and 64 j + 32 + i the high nibbles of bytes 32 j + i. w = d * sc * q - dmin *
/// m.
struct Q4_K {
  static constexpr TypeInfo info{Type::Q4_K, "Q4_K", 12, 256, 144};
  static constexpr int group = 32;
  static constexpr bool affine = true;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) {
    for (int j = 0; j < 4; ++j) {
      Bytes32 q;
      load(q, block + 16 + 32 * j);
      out[2 * j] = q & 15;
      out[2 * j + 1] = q >> 4;
    }
  }
  APR_INLINE static void scales(const std::byte* block, ByteScales& out) {
    unpack_6bit_scales(block + 4, out);
    out.d = load_u16(block);
    out.dmin = load_u16(block + 2);
  }
};

}  // namespace apr::quant
