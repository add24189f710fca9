#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 84 bytes: 16 bytes of nibbles (scale low, min high, per 16 elements), 64 bytes of 2-bit codes, half d, half dmin.
/// Each half of 128 elements has 32 code bytes; its elements 32 k + i are bits 2 k, 2 k + 1 of byte i. w = d * sc * q - dmin * m.
struct Q2_K {
  static constexpr TypeInfo info{Type::Q2_K, "Q2_K", 10, 256, 84};
  static constexpr int group = 16;
  static constexpr bool affine = true;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* __restrict scale, float* __restrict min) {
    const uint8_t* __restrict s = bytes_at(block, 0);
    const uint8_t* __restrict q = bytes_at(block, 16);
    for (int half = 0; half < 2; ++half) {
      for (int k = 0; k < 4; ++k) {
        for (int i = 0; i < 32; ++i) code[128 * half + 32 * k + i] = q[32 * half + i] >> (2 * k) & 3;
      }
    }
    float d = load_half(block + 80), dmin = load_half(block + 82);
    for (int g = 0; g < 16; ++g) scale[g] = d * float(s[g] & 15);
    for (int g = 0; g < 16; ++g) min[g] = dmin * float(s[g] >> 4);
  }
};

}  // namespace apr::quant
