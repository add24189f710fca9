#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 210 bytes: 128 bytes of low nibbles, 64 bytes of upper two bits, 16 signed scales (per 16 elements),
/// half d. In each half of 128 elements, with 64 low and 32 upper bytes: elements 0-63 are the low nibbles of its bytes
/// 0-63, elements 64-127 the high ones; the upper bits of element 32 k + i are bits 2 k, 2 k + 1 of upper byte i. w = d
/// * sc * (q - 32).
struct Q6_K {
  static constexpr TypeInfo info{Type::Q6_K, "Q6_K", 14, 256, 210};
  static constexpr Layout layout{.words_at = 0, .words = 52, .half_at = 208};
  static constexpr int group = 16;
  static constexpr Coding coding = Coding::Offset;
  static constexpr int offset = 32;
  static constexpr ScaleForm form{.signed_bytes = true};
  template <class W>
  APR_INLINE static void codes(const W* w, int j, W* out) {
    const int half = j / 4, part = j % 4;
    const W* low = w + 16 * half + 8 * (part % 2);
    const W* upper = w + 32 + 8 * half;
    for (int k = 0; k < 8; ++k) {
      const W bits = part < 2 ? upper[k] << (4 - 2 * part) : upper[k] >> (2 * part - 4);
      out[k] = (low[k] >> (4 * (part / 2)) & kNibbles) | (bits & kPairs << 4);
    }
  }
  template <class W>
  APR_INLINE static void scale_bytes(const W* w, int i, W& out) {
    out = w[48 + i];
  }
};

}  // namespace apr::quant
