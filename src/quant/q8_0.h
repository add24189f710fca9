#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 34 bytes: half d, then 32 signed bytes. w = d * q.
struct Q8_0 {
  static constexpr TypeInfo info{Type::Q8_0, "Q8_0", 8, 32, 34};
  static constexpr int group = 32;
  static constexpr bool affine = false;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* scale, float*) {
    std::memcpy(code, block + 2, 32);
    scale[0] = load_half(block);
  }
};

}  // namespace apr::quant
