#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 110 bytes: 32 bytes of third bits, 64 bytes of 2-bit codes (as Q2_K), 12 bytes of sixteen 6-bit
/// scales, half d. Third bit of element 32 j + i: bit j of byte i; unset means 4 less. w = d * (sc - 32) * q with q in
/// -4 … 3. Scales: bytes 0-7 hold the low nibbles of 0-7 (low half) and 8-15 (high half); bytes 8-11 the upper two
/// bits, four scales apart.
struct Q3_K {
  static constexpr TypeInfo info{Type::Q3_K, "Q3_K", 11, 256, 110};
  static constexpr int group = 16;
  static constexpr bool affine = false;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) {
    Bytes32 high;
    load(high, block);
    for (int half = 0; half < 2; ++half) {
      Bytes32 q;
      load(q, block + 32 + 32 * half);
      for (int k = 0; k < 4; ++k) out[4 * half + k] = ((q >> (2 * k) & 3) | (high >> (4 * half + k) & 1) << 2) - 4;
    }
  }
  APR_INLINE static void scales(const std::byte* block, ByteScales& out) {
    const uint8_t* s = bytes_at(block, 96);
    for (int g = 0; g < 16; ++g) {
      const int low = g < 8 ? s[g] & 15 : s[g - 8] >> 4;
      const int top = s[8 + g % 4] >> (2 * (g / 4)) & 3;
      out.scale[g] = uint8_t((low | top << 4) - 32);
    }
    out.d = load_u16(block + 108);
  }
};

}  // namespace apr::quant
