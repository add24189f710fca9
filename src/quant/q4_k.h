#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 144 bytes: half d, half dmin, 12 bytes of 6-bit scales and mins, 128 bytes of nibbles.
/// Elements 64 j + i are the low nibbles and 64 j + 32 + i the high nibbles of bytes 32 j + i. w = d * sc * q - dmin * m.
struct Q4_K {
  static constexpr TypeInfo info{Type::Q4_K, "Q4_K", 12, 256, 144};
  static constexpr int group = 32;
  static constexpr bool affine = true;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* __restrict scale, float* __restrict min) {
    const uint8_t* __restrict q = bytes_at(block, 16);
    for (int j = 0; j < 4; ++j) {
      for (int i = 0; i < 32; ++i) code[64 * j + i] = q[32 * j + i] & 15;
      for (int i = 0; i < 32; ++i) code[64 * j + 32 + i] = q[32 * j + i] >> 4;
    }
    uint8_t sc[8], m[8];
    unpack_6bit_scales(block + 4, sc, m);
    float d = load_half(block), dmin = load_half(block + 2);
    for (int g = 0; g < 8; ++g) scale[g] = d * float(sc[g]);
    for (int g = 0; g < 8; ++g) min[g] = dmin * float(m[g]);
  }
};

}  // namespace apr::quant
