#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 84 bytes: 16 bytes of nibbles (scale low, min high, per 16 elements), 64 bytes of 2-bit codes, half
/// d, half dmin. Each half of 128 elements has 32 code bytes; its elements 32 k + i are bits 2 k, 2 k + 1 of byte i. w
/// = d * sc * q - dmin * m.
struct Q2_K {
  static constexpr TypeInfo info{Type::Q2_K, "Q2_K", 10, 256, 84};
  static constexpr int group = 16;
  static constexpr bool affine = true;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) {
    for (int half = 0; half < 2; ++half) {
      Bytes32 q;
      load(q, block + 16 + 32 * half);
      for (int k = 0; k < 4; ++k) out[4 * half + k] = q >> (2 * k) & 3;
    }
  }
  APR_INLINE static void scales(const std::byte* block, ByteScales& out) {
    const uint8_t* packed = bytes_at(block, 0);
    for (int g = 0; g < 16; ++g) out.scale[g] = packed[g] & 15;
    for (int g = 0; g < 16; ++g) out.min[g] = packed[g] >> 4;
    out.d = load_u16(block + 80);
    out.dmin = load_u16(block + 82);
  }
};

}  // namespace apr::quant
