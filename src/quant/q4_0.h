#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 18 bytes: half d, then 16 bytes of nibbles (element i low, i + 16 high). w = d * (q - 8).
struct Q4_0 {
  static constexpr TypeInfo info{Type::Q4_0, "Q4_0", 2, 32, 18};
  static constexpr Layout layout{.words_at = 2, .words = 4, .half_at = 0};
  static constexpr int group = 32;
  static constexpr Coding coding = Coding::Offset;
  static constexpr int offset = 8;
  template <class W>
  APR_INLINE static void codes(const W* w, int, W* out) {
    split_nibbles(w, out);
  }
};

}  // namespace apr::quant
