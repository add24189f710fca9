#pragma once
#include <bit>
#include <cstring>

#include "base/inline.h"
#include "kernels/generic/rows.h"
#include "kernels/table.h"
#include "quant/half.h"

// Rows of a head's keys and values into their tile of the cache (layout: kernels/kv_view.h).
namespace apr::kernels::generic {

/// The scale of n elements, a multiple of 16, whose codes go up to ±limit: a bfloat16. It is rounded up, so that no
/// code passes the limit.
template <class Isa>
APR_INLINE uint16_t kv_scale(const float* x, int n, float limit) {
  const float exact = step_of<Isa>(x, n, limit).size;
  return exact == exact ? uint16_t((std::bit_cast<uint32_t>(exact) + 0xffff) >> 16) : uint16_t(0x7fc0);
}

/// A row's elements as codes, `scaled_together` of them with a scale: put(i, codes of elements i … i + 15). The scales
/// go behind the tile's codes, into their lane.
template <class Isa, class Code, class Put>
APR_INLINE void store_coded(const float* x, int d, int scaled_together, float limit, std::byte* tile, int lane,
                            Put put) {
  std::byte* scales = tile + size_t(kKvTile) * sizeof(Code) * size_t(d);
  for (int start = 0; start < d; start += scaled_together) {
    const uint16_t bits = kv_scale<Isa>(x + start, scaled_together, limit);
    std::memcpy(scales + 2 * size_t(start / scaled_together * kKvTile + lane), &bits, 2);
    const float scale = quant::bfloat_to_float(bits);
    const auto inverse = Isa::set(scale > 0 ? 1.0f / scale : 0.0f);
    for (int i = start; i < start + scaled_together; i += kLanes) {
      Code code[kLanes];
      const auto codes = codes_of<Isa>(Isa::mul(Isa::load(x + i), inverse), limit);
      if constexpr (sizeof(Code) == 1) {
        Isa::store_bytes(code, codes);
      } else {
        Isa::store_words(code, codes);
      }
      put(i, code);
    }
  }
}

template <class Isa, class Code>
APR_INLINE void store_coded_key(const float* x, int d, float limit, std::byte* tile, int lane) {
  constexpr int together = 4 / sizeof(Code);  // elements in a word
  store_coded<Isa, Code>(x, d, kKvGroup, limit, tile, lane, [&](int i, const Code* code) {
    for (int k = 0; k < kLanes; k += together)
      std::memcpy(tile + 4 * size_t((i + k) / together * kKvTile + lane), code + k, 4);
  });
}

template <class Isa, class Code>
APR_INLINE void store_coded_value(const float* x, int d, int scaled_together, float limit, std::byte* tile, int lane) {
  store_coded<Isa, Code>(x, d, scaled_together, limit, tile, lane, [&](int i, const Code* code) {
    for (int k = 0; k < kLanes; ++k) {
      const size_t at = size_t(lane / 2) * 2 * size_t(d) + size_t(i + k) * 2 + size_t(lane % 2);
      std::memcpy(tile + at * sizeof(Code), code + k, sizeof(Code));
    }
  });
}

/// Sixteen numbers as halves, to nearest, held to the largest finite half.
template <class Isa>
APR_INLINE void held_halves(typename Isa::F x, std::byte* to) {
  x = Isa::min(Isa::set(65504.0f), Isa::max(Isa::set(-65504.0f), x));  // of a NaN: the NaN, as the second operand
  Isa::store_half(to, x);
}

template <class Isa>
void store_key(const float* x, int d, KvType type, std::byte* tile, int lane) {
  if (type == KvType::Q8_0) return store_coded_key<Isa, int8_t>(x, d, 127, tile, lane);
  if (type == KvType::Q16) return store_coded_key<Isa, int16_t>(x, d, kKeyCodes, tile, lane);
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
  if (type == KvType::Q8_0) return store_coded_value<Isa, int8_t>(x, d, kKvGroup, 127, tile, lane);
  if (type == KvType::Q16) return store_coded_value<Isa, int16_t>(x, d, d, kValueCodes, tile, lane);
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
