#pragma once
#include "quant/block.h"

namespace apr::quant {

/// The sixteen levels of the IQ4 types, spaced as weights are distributed (GGUF format constant).
inline constexpr int8_t kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// 32 elements in 18 bytes: half d, then 16 bytes of nibbles (element i low, i + 16 high). w = d * level[q].
struct IQ4_NL {
  static constexpr TypeInfo info{Type::IQ4_NL, "IQ4_NL", 20, 32, 18};
  static constexpr Layout layout{.words_at = 2, .words = 4, .half_at = 0};
  static constexpr int group = 32;
  static constexpr Coding coding = Coding::Levels;
  template <class W>
  APR_INLINE static void codes(const W* w, int, W* out) {
    split_nibbles(w, out);
  }
};

}  // namespace apr::quant
