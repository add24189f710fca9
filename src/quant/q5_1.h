#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 24 bytes: half d, half m, 4 bytes of fifth bits (as Q5_0), 16 bytes of nibbles (element i low, i + 16
/// high). w = d * q + m.
struct Q5_1 {
  static constexpr TypeInfo info{Type::Q5_1, "Q5_1", 7, 32, 24};
  static constexpr Layout layout{.words_at = 0, .words = 6, .halves_word = 0};
  static constexpr int group = 32;
  static constexpr Coding coding = Coding::Affine;
  static constexpr ScaleForm form{.adds_min = true};
  template <class W>
  APR_INLINE static void codes(const W* w, int, W* out) {
    split_nibbles(w + 2, out);
    add_fifth_bits(w[1], out);
  }
};

}  // namespace apr::quant
