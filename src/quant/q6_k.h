#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 210 bytes: 128 bytes of low nibbles, 64 bytes of upper two bits, 16 signed scales (per 16 elements), half d.
/// In each half of 128 elements, with 64 low and 32 upper bytes: elements 0-63 are the low nibbles of its bytes 0-63, elements 64-127 the
/// high ones; the upper bits of element 32 k + i are bits 2 k, 2 k + 1 of upper byte i. w = d * sc * (q - 32).
struct Q6_K {
  static constexpr TypeInfo info{Type::Q6_K, "Q6_K", 14, 256, 210};
  static constexpr int group = 16;
  static constexpr bool affine = false;
  APR_INLINE static void unpack(const std::byte* block, uint8_t* __restrict code, float* __restrict scale, float*) {
    for (int half = 0; half < 2; ++half) {
      const uint8_t* __restrict low = bytes_at(block, size_t(64 * half));
      const uint8_t* __restrict top = bytes_at(block, size_t(128 + 32 * half));
      uint8_t* __restrict c = code + 128 * half;
      for (int k = 0; k < 4; ++k) {
        const uint8_t* __restrict lk = low + 32 * (k % 2);
        for (int i = 0; i < 32; ++i) c[32 * k + i] = uint8_t(((lk[i] >> (4 * (k / 2)) & 15) | (top[i] >> (2 * k) & 3) << 4) - 32);
      }
    }
    const uint8_t* __restrict s = bytes_at(block, 192);
    float d = load_half(block + 208);
    for (int g = 0; g < 16; ++g) scale[g] = d * float(int8_t(s[g]));
  }
};

}  // namespace apr::quant
