#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 18 bytes: half d, then 16 bytes of nibbles (element i low, i + 16 high). w = d * (q - 8).
struct Q4_0 {
  static constexpr TypeInfo info{Type::Q4_0, "Q4_0", 2, 32, 18};
  static constexpr int group = 32;
  static constexpr bool affine = false;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* scale, float*) {
    const uint8_t* __restrict q = bytes_at(block, 2);
    for (int i = 0; i < 16; ++i) code[i] = uint8_t((q[i] & 15) - 8);
    for (int i = 0; i < 16; ++i) code[i + 16] = uint8_t((q[i] >> 4) - 8);
    scale[0] = load_half(block);
  }
};

}  // namespace apr::quant
