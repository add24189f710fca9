#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 110 bytes: 32 bytes of third bits, 64 bytes of 2-bit codes (as Q2_K), 12 bytes of sixteen 6-bit
/// scales, half d. Third bit of element 32 j + i: bit j of byte i; unset means 4 less. w = d * (sc - 32) * q with q in
/// -4 … 3. Scales: bytes 0-7 hold the low nibbles of 0-7 (low half) and 8-15 (high half); bytes 8-11 the upper two
/// bits, four scales apart.
struct Q3_K {
  static constexpr TypeInfo info{Type::Q3_K, "Q3_K", 11, 256, 110};
  static constexpr Layout layout{.words_at = 0, .words = 27, .half_at = 108};
  static constexpr int group = 16;
  static constexpr Coding coding = Coding::Offset;
  static constexpr int offset = 4;
  static constexpr ScaleForm form{.offset = 32};
  template <class W>
  APR_INLINE static void codes(const W* w, int j, W* out) {
    for (int k = 0; k < 8; ++k) out[k] = (w[8 + 8 * (j / 4) + k] >> (2 * (j % 4)) & kPairs) | (w[k] >> j & kBits) << 2;
  }
  template <class W>
  APR_INLINE static void scale_bytes(const W* w, int i, W& out) {
    const W* s = w + 24;
    out = (s[i % 2] >> (4 * (i / 2)) & kNibbles) | (s[2] >> (2 * i) & kPairs) << 4;
  }
};

}  // namespace apr::quant
