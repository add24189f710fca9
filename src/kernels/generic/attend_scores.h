#pragma once
#include <cstring>

#include "base/inline.h"
#include "kernels/generic/rows.h"
#include "kernels/table.h"

// The first half of attention: scores of a tile of query rows with the keys of a block, a lane to a key. Query rows of
// a tile lie side by side, element after element, so that each element of a key meets R neighbouring numbers.
namespace apr::kernels::generic {

/// What the cache's elements are widened from.
template <class Isa>
struct FloatCells {
  static constexpr size_t bytes = 4;
  APR_INLINE static typename Isa::F load(const std::byte* p) { return Isa::load(reinterpret_cast<const float*>(p)); }
};
template <class Isa>
struct HalfCells {
  static constexpr size_t bytes = 2;
  APR_INLINE static typename Isa::F load(const std::byte* p) { return Isa::load_half(p); }
};
template <class Isa>
struct ByteCells {
  static constexpr size_t bytes = 1;
  APR_INLINE static typename Isa::F load(const std::byte* p) { return Isa::load_int8(p); }
};

/// Tiles of a block that lie tile_bytes apart; what stands `ahead` bytes further is read soon.
struct Tiles {
  const std::byte* first;
  size_t tile_bytes, ahead;
};

/// Float keys: score[r][j] = the chain of fmas along d of (scale * q) and k.
template <class Isa, class Cells>
struct FloatKeys {
  static constexpr int sums_of_a_score = 1;

  /// out [d][R] f32; null rows are zeros.
  template <int R>
  APR_INLINE static void pack(const float* const* q, int d, float scale, float* out) {
    for (int i = 0; i < d; ++i) {
      for (int r = 0; r < R; ++r) out[i * R + r] = q[r] ? q[r][i] * scale : 0.0f;
    }
  }

  template <int R, int C>
  APR_OWN_REGISTERS static void score(const float* q, Tiles keys, int d, float* score) {
    typename Isa::F sum[R][C], key[C];
    for (int r = 0; r < R; ++r) {
      for (int c = 0; c < C; ++c) sum[r][c] = Isa::set(0);
    }
    const std::byte* k = keys.first;
    for (int i = 0; i < d; ++i, k += kKvTile * Cells::bytes, q += R) {
      for (int c = 0; c < C; ++c) {
        const std::byte* at = k + size_t(c) * keys.tile_bytes;
        key[c] = Cells::load(at);
        __builtin_prefetch(at + keys.ahead, 0, 3);
      }
      for (int r = 0; r < R; ++r) {
        const auto x = Isa::set(q[r]);
        for (int c = 0; c < C; ++c) sum[r][c] = Isa::fma(x, key[c], sum[r][c]);
      }
    }
    for (int r = 0; r < R; ++r) {
      for (int c = 0; c < C; ++c) Isa::store(score + r * kKeyBlock + c * kLanes, sum[r][c]);
    }
  }
};

/// Q8_0 keys: the query is rounded to int8 per 32, so that sums of 32 are exact integers; then
/// score = fma(float(sum), k.scale * (scale * q.scale), score), group after group.
template <class Isa>
struct ByteKeys {
  static constexpr int sums_of_a_score = 2;

  /// out: [d / 4][R] words of four codes, [d / 32][R] scales, [d / 32][R] biases.
  template <int R>
  APR_INLINE static void pack(const float* const* q, int d, float scale, float* out) {
    const int groups = d / kKvGroup, words = d / 4;
    for (int r = 0; r < R; ++r) {
      for (int g = 0; g < groups; ++g) {
        XBlock block{};
        if (q[r]) quantise<Isa>(q[r] + g * kKvGroup, kKvGroup, &block);
        for (int i = 0; i < kKvGroup / 4; ++i)
          std::memcpy(out + (g * (kKvGroup / 4) + i) * R + r, block.code + 4 * i, 4);
        out[(words + g) * R + r] = block.scale * scale;
        std::memcpy(out + (words + groups + g) * R + r, &block.bias, 4);
      }
    }
  }

  template <int R, int C>
  APR_OWN_REGISTERS static void score(const float* q, Tiles keys, int d, float* score) {
    constexpr int steps = kKvGroup / 4;
    const int groups = d / kKvGroup, words = d / 4;
    typename Isa::F sum[R][C];
    for (int r = 0; r < R; ++r) {
      for (int c = 0; c < C; ++c) sum[r][c] = Isa::set(0);
    }
    for (int g = 0; g < groups; ++g) {
      typename Isa::I whole[R][C];
      for (int r = 0; r < R; ++r) {
        for (int c = 0; c < C; ++c) whole[r][c] = Isa::start_signed(word(q + (words + groups + g) * R + r));
      }
#pragma GCC unroll 8
      for (int i = g * steps; i < (g + 1) * steps; ++i) {
        typename Isa::SignedCodes key[C];
        for (int c = 0; c < C; ++c) {
          const std::byte* at = keys.first + size_t(c) * keys.tile_bytes + size_t(i) * 4 * kKvTile;
          key[c] = Isa::signed_codes(Isa::load_codes(reinterpret_cast<const uint8_t*>(at)));
          __builtin_prefetch(at + keys.ahead, 0, 3);
        }
        for (int r = 0; r < R; ++r) {
          const auto x = Isa::repeat(word(q + i * R + r));
          for (int c = 0; c < C; ++c) whole[r][c] = Isa::dot_signed(whole[r][c], key[c], x);
        }
      }
      for (int c = 0; c < C; ++c) {
        const std::byte* scales = keys.first + size_t(c) * keys.tile_bytes + size_t(kKvTile) * size_t(d);
        const auto k_scale = Isa::load_bfloat(scales + g * 2 * kKvTile);
        for (int r = 0; r < R; ++r) {
          const auto both = Isa::mul(k_scale, Isa::set(q[(words + g) * R + r]));
          sum[r][c] = Isa::fma(Isa::to_float(whole[r][c]), both, sum[r][c]);
        }
      }
    }
    for (int r = 0; r < R; ++r) {
      for (int c = 0; c < C; ++c) Isa::store(score + r * kKeyBlock + c * kLanes, sum[r][c]);
    }
  }

 private:
  APR_INLINE static int32_t word(const float* p) {
    int32_t w;
    std::memcpy(&w, p, 4);
    return w;
  }
};

/// Vectors of a block that R rows work on at once, `each` sums for every number that comes out.
template <class Isa>
constexpr int vectors_at_once(int R, int each) {
  const int c = Isa::sums / (R * each);
  return c >= 4 ? 4 : c >= 2 ? 2 : 1;
}

/// score [R][64] for the first n keys of the block, rounded up to whole tiles.
template <class Isa, class Keys, int R>
APR_INLINE void score_block(const float* q, Tiles keys, int d, int n, float* score) {
  constexpr int C = vectors_at_once<Isa>(R, Keys::sums_of_a_score);
  int j = 0;
  for (; j + (C - 1) * kKvTile < n; j += C * kKvTile, keys.first += size_t(C) * keys.tile_bytes)
    Keys::template score<R, C>(q, keys, d, score + j);
  if constexpr (C > 1) {
    for (; j < n; j += kKvTile, keys.first += keys.tile_bytes) Keys::template score<R, 1>(q, keys, d, score + j);
  }
}

}  // namespace apr::kernels::generic
