#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 176 bytes: half d, half dmin, 12 bytes of 6-bit scales and mins, 32 bytes of fifth bits, 128 bytes of nibbles (as
/// Q4_K). Fifth bit of element 32 j + i: bit j of byte i. w = d * sc * q - dmin * m.
struct Q5_K {
  static constexpr TypeInfo info{Type::Q5_K, "Q5_K", 13, 256, 176};
  static constexpr int group = 32;
  static constexpr bool affine = true;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* __restrict scale, float* __restrict min) {
    const uint8_t* __restrict high = bytes_at(block, 16);
    const uint8_t* __restrict q = bytes_at(block, 48);
    for (int j = 0; j < 8; ++j) {
      const uint8_t* __restrict qj = q + 32 * (j / 2);
      for (int i = 0; i < 32; ++i) code[32 * j + i] = uint8_t((qj[i] >> (4 * (j % 2)) & 15) | (high[i] >> j & 1) << 4);
    }
    uint8_t sc[8], m[8];
    unpack_6bit_scales(block + 4, sc, m);
    float d = load_half(block), dmin = load_half(block + 2);
    for (int g = 0; g < 8; ++g) scale[g] = d * float(sc[g]);
    for (int g = 0; g < 8; ++g) min[g] = dmin * float(m[g]);
  }
};

}  // namespace apr::quant
