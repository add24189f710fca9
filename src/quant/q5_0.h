#pragma once
#include "quant/block.h"

namespace apr::quant {

/// The fifth bits of 32 elements: bit i of a little-endian word belongs to element i. Writes 16 where it is set, else 0.
APR_INLINE void unpack_fifth_bits(const std::byte* packed, uint8_t* __restrict high) {
  const uint8_t* __restrict bits = bytes_at(packed, 0);
  for (int i = 0; i < 32; ++i) high[i] = uint8_t((bits[i / 8] >> (i % 8) & 1) << 4);
}

/// 32 elements in 22 bytes: half d, 4 bytes of fifth bits, 16 bytes of nibbles (element i low, i + 16 high). w = d * (q - 16).
struct Q5_0 {
  static constexpr TypeInfo info{Type::Q5_0, "Q5_0", 6, 32, 22};
  static constexpr int group = 32;
  static constexpr bool affine = false;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* scale, float*) {
    const uint8_t* __restrict q = bytes_at(block, 6);
    uint8_t high[32];
    unpack_fifth_bits(block + 2, high);
    for (int i = 0; i < 16; ++i) code[i] = uint8_t(((q[i] & 15) | high[i]) - 16);
    for (int i = 0; i < 16; ++i) code[i + 16] = uint8_t(((q[i] >> 4) | high[i + 16]) - 16);
    scale[0] = load_half(block);
  }
};

}  // namespace apr::quant
