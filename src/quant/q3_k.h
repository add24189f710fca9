#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 110 bytes: 32 bytes of third bits, 64 bytes of 2-bit codes (as Q2_K), 12 bytes of sixteen 6-bit scales, half d.
/// Third bit of element 32 j + i: bit j of byte i; unset means 4 less. w = d * (sc - 32) * q with q in -4 … 3.
/// Scales: bytes 0-7 hold the low nibbles of 0-7 (low half) and 8-15 (high half); bytes 8-11 the upper two bits, four scales apart.
struct Q3_K {
  static constexpr TypeInfo info{Type::Q3_K, "Q3_K", 11, 256, 110};
  static constexpr int group = 16;
  static constexpr bool affine = false;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* __restrict scale, float*) {
    const uint8_t* __restrict high = bytes_at(block, 0);
    const uint8_t* __restrict q = bytes_at(block, 32);
    const uint8_t* __restrict s = bytes_at(block, 96);
    for (int j = 0; j < 8; ++j) {
      const uint8_t* __restrict qj = q + 32 * (j / 4);
      for (int i = 0; i < 32; ++i) code[32 * j + i] = uint8_t((qj[i] >> (2 * (j % 4)) & 3) + ((high[i] >> j & 1) << 2) - 4);
    }
    float d = load_half(block + 108);
    for (int g = 0; g < 16; ++g) {
      int low = g < 8 ? s[g] & 15 : s[g - 8] >> 4;
      int top = s[8 + g % 4] >> (2 * (g / 4)) & 3;
      scale[g] = d * float((low | top << 4) - 32);
    }
  }
};

}  // namespace apr::quant
