#pragma once
#include "quant/block.h"
#include "quant/q5_0.h"

namespace apr::quant {

/// 32 elements in 24 bytes: half d, half m, 4 bytes of fifth bits, 16 bytes of nibbles (element i low, i + 16 high). w = d * q + m.
struct Q5_1 {
  static constexpr TypeInfo info{Type::Q5_1, "Q5_1", 7, 32, 24};
  static constexpr int group = 32;
  static constexpr bool affine = true;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* scale, float* min) {
    const uint8_t* __restrict q = bytes_at(block, 8);
    uint8_t high[32];
    unpack_fifth_bits(block + 4, high);
    for (int i = 0; i < 16; ++i) code[i] = uint8_t((q[i] & 15) | high[i]);
    for (int i = 0; i < 16; ++i) code[i + 16] = uint8_t((q[i] >> 4) | high[i + 16]);
    scale[0] = load_half(block);
    min[0] = -load_half(block + 2);
  }
};

}  // namespace apr::quant
