#pragma once
#include "quant/iq4_nl.h"

namespace apr::quant {

/// 256 elements in 136 bytes: half d, two bytes with the upper two bits of eight scales, four bytes with their low
/// nibbles, 128 bytes of nibbles (as IQ4_NL, 16 bytes per 32 elements). w = d * (sc - 32) * level[q].
struct IQ4_XS {
  static constexpr TypeInfo info{Type::IQ4_XS, "IQ4_XS", 23, 256, 136};
  static constexpr Layout layout{.words_at = 0, .words = 34, .halves_word = 0};
  static constexpr int group = 32;
  static constexpr Coding coding = Coding::Levels;
  static constexpr ScaleForm form{.offset = 32};
  template <class W>
  APR_INLINE static void codes(const W* w, int j, W* out) {
    split_nibbles(w + 2 + 4 * j, out);
  }
  template <class W>
  APR_INLINE static void scale_bytes(const W* w, int i, W& out) {
    const W low = w[1] >> (16 * i), top = w[0] >> (16 + 8 * i);  // four nibbles, four pairs: one to each byte
    out = (low & 0xfu) | (low & 0xf0u) << 4 | (low & 0xf00u) << 8 | (low & 0xf000u) << 12 | (top & 3u) << 4 |
          (top & 0xcu) << 10 | (top & 0x30u) << 16 | (top & 0xc0u) << 22;
  }
};

}  // namespace apr::quant
