#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 176 bytes: half d, half dmin, 12 bytes of 6-bit scales and mins, 32 bytes of fifth bits, 128 bytes
/// of nibbles (as Q4_K). Fifth bit of element 32 j + i: bit j of byte i. w = d * sc * q - dmin * m.
struct Q5_K {
  static constexpr TypeInfo info{Type::Q5_K, "Q5_K", 13, 256, 176};
  static constexpr Layout layout{.words_at = 0, .words = 44, .halves_word = 0};
  static constexpr int group = 32;
  static constexpr Coding coding = Coding::Affine;
  template <class W>
  APR_INLINE static void codes(const W* w, int j, W* out) {
    for (int k = 0; k < 8; ++k)
      out[k] = (w[12 + 8 * (j / 2) + k] >> (4 * (j % 2)) & kNibbles) | (w[4 + k] >> j & kBits) << 4;
  }
  template <class W>
  APR_INLINE static void scale_bytes(const W* w, int i, W& out) {
    SixBitScales<W>::scales(w + 1, i, out);
  }
  template <class W>
  APR_INLINE static void min_bytes(const W* w, int i, W& out) {
    SixBitScales<W>::mins(w + 1, i, out);
  }
};

}  // namespace apr::quant
