#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 144 bytes: half d, half dmin, 12 bytes of 6-bit scales and mins, 128 bytes of nibbles.
/// Elements 64 j + i are the low nibbles and 64 j + 32 + i the high nibbles of bytes 32 j + i. w = d * sc * q - dmin *
/// m.
struct Q4_K {
  static constexpr TypeInfo info{Type::Q4_K, "Q4_K", 12, 256, 144};
  static constexpr Layout layout{.words_at = 0, .words = 36, .halves_word = 0};
  static constexpr int group = 32;
  static constexpr Coding coding = Coding::Affine;
  template <class W>
  APR_INLINE static void codes(const W* w, int j, W* out) {
    for (int k = 0; k < 8; ++k) out[k] = w[4 + 8 * (j / 2) + k] >> (4 * (j % 2)) & kNibbles;
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
