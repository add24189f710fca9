#pragma once
#include "quant/block.h"

namespace apr::quant {

/// 32 elements in 34 bytes: half d, then 32 signed bytes. w = d * q.
struct Q8_0 {
  static constexpr TypeInfo info{Type::Q8_0, "Q8_0", 8, 32, 34};
  static constexpr int group = 32;
  static constexpr bool affine = false;
  APR_INLINE static void codes(const std::byte* block, Bytes32* out) { load(out[0], block + 2); }
  APR_INLINE static void scales(const std::byte* block, HalfScales& out) { out.scale = load_u16(block); }
};

}  // namespace apr::quant
