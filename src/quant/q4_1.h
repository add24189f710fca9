#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 20 bytes: half d, half m, then 16 bytes of nibbles (element i low, i + 16 high). w = d * q + m.
struct Q4_1 {
  static constexpr TypeInfo info{Type::Q4_1, "Q4_1", 3, 32, 20};
  static constexpr int group = 32;
  static constexpr bool affine = true;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* scale, float* min) {
    const uint8_t* __restrict q = bytes_at(block, 4);
    for (int i = 0; i < 16; ++i) code[i] = q[i] & 15;
    for (int i = 0; i < 16; ++i) code[i + 16] = q[i] >> 4;
    scale[0] = load_half(block);
    min[0] = -load_half(block + 2);
  }
};

}  // namespace apr::quant
