#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 34 bytes: half d, then 32 signed bytes. w = d * q.
struct Q8_0 {
  static constexpr TypeInfo info{Type::Q8_0, "Q8_0", 8, 32, 34};
  static constexpr Layout layout{.words_at = 2, .words = 8, .half_at = 0};
  static constexpr int group = 32;
  static constexpr Coding coding = Coding::Signed;
  template <class W>
  APR_INLINE static void codes(const W* w, int, W* out) {
    for (int k = 0; k < 8; ++k) out[k] = w[k];
  }
};

}  // namespace apr::quant
