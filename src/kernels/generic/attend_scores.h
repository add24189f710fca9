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

/// Tiles of a block that lie tile_bytes apart. As much memory from `soon` on is read next: it is asked for from front to
/// back, which hardware follows best, in whatever order it will be read.
struct Tiles {
  const std::byte* first;
  size_t tile_bytes;
  const std::byte* soon;
  APR_INLINE void advance(size_t tiles) {
    first += tiles * tile_bytes;
    soon += tiles * tile_bytes;
  }
};

/// Asks for share number `share` of what is read soon, `lines` lines of 64 bytes. By force inline: GCC deletes calls
/// that only prefetch.
template <int lines>
APR_INLINE void ask(const std::byte* soon, int share) {
  for (int i = 0; i < lines; ++i) __builtin_prefetch(soon + 64 * (lines * share + i), 0, 2);
}
/// What is left from byte `done` of it on.
APR_INLINE void ask_rest(const std::byte* soon, size_t done, size_t end) {
  for (; done < end; done += 64) __builtin_prefetch(soon + done, 0, 2);
}

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
    constexpr size_t step = kKvTile * Cells::bytes;
    const std::byte *k = keys.first, *soon = keys.soon;
    for (int i = 0; i < d; ++i, k += step, soon += step, q += R) {
      for (int c = 0; c < C; ++c) {
        const size_t at = size_t(c) * keys.tile_bytes;
        key[c] = Cells::load(k + at);
        __builtin_prefetch(soon + at, 0, 3);
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
  for (; j + (C - 1) * kKvTile < n; j += C * kKvTile, keys.advance(C))
    Keys::template score<R, C>(q, keys, d, score + j);
  if constexpr (C > 1) {
    for (; j < n; j += kKvTile, keys.advance(1)) Keys::template score<R, 1>(q, keys, d, score + j);
  }
}

}  // namespace apr::kernels::generic
