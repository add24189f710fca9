#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 256 elements in 84 bytes: 16 bytes of nibbles (scale low, min high, per 16 elements), 64 bytes of 2-bit codes, half
/// d, half dmin. Each half of 128 elements has 32 code bytes; its elements 32 k + i are bits 2 k, 2 k + 1 of byte i. w
/// = d * sc * q - dmin * m.
struct Q2_K {
  static constexpr TypeInfo info{Type::Q2_K, "Q2_K", 10, 256, 84};
  static constexpr Layout layout{.words_at = 0, .words = 21, .halves_word = 20};
  static constexpr int group = 16;
  static constexpr Coding coding = Coding::Affine;
  template <class W>
  APR_INLINE static void codes(const W* w, int j, W* out) {
    for (int k = 0; k < 8; ++k) out[k] = w[4 + 8 * (j / 4) + k] >> (2 * (j % 4)) & kPairs;
  }
  template <class W>
  APR_INLINE static void scale_bytes(const W* w, int i, W& out) {
    out = w[i] & kNibbles;
  }
  template <class W>
  APR_INLINE static void min_bytes(const W* w, int i, W& out) {
    out = w[i] >> 4 & kNibbles;
  }
};

}  // namespace apr::quant
