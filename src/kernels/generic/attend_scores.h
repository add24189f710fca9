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
