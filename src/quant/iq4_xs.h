#pragma once
#include "quant/block.h"
#include "quant/iq4_nl.h"

namespace apr::quant {

/// 256 elements in 136 bytes: half d, two bytes with the upper two bits of eight scales, four bytes with their low
/// nibbles, 128 bytes of nibbles (as IQ4_NL, 16 bytes per 32 elements). w = d * (sc - 32) * level[q].
struct IQ4_XS {
  static constexpr TypeInfo info{Type::IQ4_XS, "IQ4_XS", 23, 256, 136};
  static constexpr int group = 32;
  static constexpr bool affine = false;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) {
    for (int j = 0; j < 8; ++j) load_iq4_levels(out[j], block + 8 + 16 * j);
  }
  APR_INLINE static void scales(const std::byte* block, ByteScales& out) {
    const uint8_t* low = bytes_at(block, 4);
    const unsigned high = load_u16(block + 2);
    for (int g = 0; g < 8; ++g) {
      const int sc = int(low[g / 2] >> (4 * (g % 2)) & 15) | int(high >> (2 * g) & 3) << 4;
      out.scale[g] = uint8_t(sc - 32);
    }
    out.d = load_u16(block);
  }
};

}  // namespace apr::quant
