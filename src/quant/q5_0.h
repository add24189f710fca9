#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 22 bytes: half d, 4 bytes of fifth bits (bit i of the word for element i), 16 bytes of nibbles
/// (element i low, i + 16 high). w = d * (q - 16).
struct Q5_0 {
  static constexpr TypeInfo info{Type::Q5_0, "Q5_0", 6, 32, 22};
  static constexpr Layout layout{.words_at = 2, .words = 5, .half_at = 0};
  static constexpr int group = 32;
  static constexpr Coding coding = Coding::Offset;
  static constexpr int offset = 16;
  template <class W>
  APR_INLINE static void codes(const W* w, int, W* out) {
    split_nibbles(w + 1, out);
    add_fifth_bits(w[0], out);
  }
};

}  // namespace apr::quant
