#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 20 bytes: half d, half m, then 16 bytes of nibbles (element i low, i + 16 high). w = d * q + m.
struct Q4_1 {
  static constexpr TypeInfo info{Type::Q4_1, "Q4_1", 3, 32, 20};
  static constexpr Layout layout{.words_at = 0, .words = 5, .halves_word = 0};
  static constexpr int group = 32;
  static constexpr Coding coding = Coding::Affine;
  static constexpr ScaleForm form{.adds_min = true};
  template <class W>
  APR_INLINE static void codes(const W* w, int, W* out) {
    split_nibbles(w + 1, out);
  }
};

}  // namespace apr::quant
