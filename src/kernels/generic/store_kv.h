#pragma once
#include <bit>
#include <cstring>

#include "base/inline.h"
#include "kernels/generic/rows.h"
#include "kernels/table.h"
#include "quant/half.h"

// Rows of a head's keys and values into their tile of the cache (layout: kernels/kv_view.h).
namespace apr::kernels::generic {

/// 32 elements as int8 with a scale of 16 bits.
struct KvGroup {
  int8_t code[kKvGroup];
  uint16_t scale;  ///< bfloat16
};

/// The scale is rounded up, so that no code passes ±127. A group whose largest magnitude is below 1e-30 becomes zeros;
/// one that holds a NaN or an infinity gets a NaN for its scale, as in quantise().
template <class Isa>
APR_INLINE KvGroup kv_group(const float* x) {
  KvGroup out;
  const auto a = Isa::load(x), b = Isa::load(x + kLanes);
  const float most = Isa::largest(Isa::max(Isa::abs(a), Isa::abs(b)));
  const float broken = Isa::sum(Isa::fma(a, Isa::set(0), Isa::mul(b, Isa::set(0))));  // NaN, or else a zero
  const float exact = (most > 1e-30f ? most / 127.0f : 0.0f) + broken;
  out.scale = exact == exact ? uint16_t((std::bit_cast<uint32_t>(exact) + 0xffff) >> 16) : uint16_t(0x7fc0);
  const float scale = quant::bfloat_to_float(out.scale);
  const auto inverse = Isa::set(scale > 0 ? 1.0f / scale : 0.0f);
  Isa::store_bytes(out.code, codes_of<Isa>(Isa::mul(a, inverse)));
  Isa::store_bytes(out.code + kLanes, codes_of<Isa>(Isa::mul(b, inverse)));
  return out;
}

/// Sixteen numbers as halves, to nearest, held to the largest finite half.
template <class Isa>
APR_INLINE void held_halves(typename Isa::F x, std::byte* to) {
  x = Isa::min(Isa::set(65504.0f), Isa::max(Isa::set(-65504.0f), x));  // of a NaN: the NaN, as the second operand
  Isa::store_half(to, x);
}

template <class Isa>
void store_key(const float* x, int d, KvType type, std::byte* tile, int lane) {
  if (type == KvType::Q8_0) {
    std::byte* scales = tile + size_t(kKvTile) * size_t(d);
    for (int g = 0; g < d / kKvGroup; ++g) {
      const KvGroup group = kv_group<Isa>(x + g * kKvGroup);
      for (int i = 0; i < kKvGroup / 4; ++i)
        std::memcpy(tile + 4 * size_t((g * (kKvGroup / 4) + i) * kKvTile + lane), group.code + 4 * i, 4);
      std::memcpy(scales + 2 * size_t(g * kKvTile + lane), &group.scale, 2);
    }
    return;
  }
  each_vector(d, [&](int i, int count) {
    const auto v = load_some<Isa>(x + i, count);
    alignas(64) std::byte cell[4 * kLanes];
    const size_t bytes = type == KvType::F32 ? 4 : 2;
    if (type == KvType::F32) {
      Isa::store(reinterpret_cast<float*>(cell), v);
    } else {
      held_halves<Isa>(v, cell);
    }
    for (int c = 0; c < count; ++c)
      std::memcpy(tile + bytes * size_t((i + c) * kKvTile + lane), cell + bytes * size_t(c), bytes);
  });
}

template <class Isa>
void store_value(const float* x, int d, KvType type, std::byte* tile, int lane) {
  if (type == KvType::Q8_0) {
    std::byte* scales = tile + size_t(kKvTile) * size_t(d);
    for (int g = 0; g < d / kKvGroup; ++g) {
      const KvGroup group = kv_group<Isa>(x + g * kKvGroup);
      std::memcpy(tile + size_t(lane * d + g * kKvGroup), group.code, kKvGroup);
      std::memcpy(scales + 2 * size_t(g * kKvTile + lane), &group.scale, 2);
    }
    return;
  }
  each_vector(d, [&](int i, int count) {  // whole vectors are written: zeros past the end
    const auto v = load_some<Isa>(x + i, count);
    const size_t at = size_t(lane) * size_t(padded(d)) + size_t(i);
    if (type == KvType::F32) {
      Isa::store(reinterpret_cast<float*>(tile) + at, v);
    } else {
      held_halves<Isa>(v, tile + 2 * at);
    }
  });
}

}  // namespace apr::kernels::generic
