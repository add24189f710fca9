#pragma once
#include <algorithm>
#include <limits>

#include "base/inline.h"
#include "kernels/generic/attend_scores.h"

// The second half of attention: scores to weights, and the weighted sum of float values.
namespace apr::kernels::generic {

/// The state of a query row, padded(d) + 32 floats: o, the values' weighted sum; 16 lanes of the sum of weights; the
/// largest score, to which both are relative.
struct RowState {
  float* o;
  int dp;
  APR_INLINE float* lanes() const { return o + dp; }
  APR_INLINE float& most() const { return o[dp + kLanes]; }
};

/// What a row's o is multiplied by, and then a block's own sums, to make both relative to the new maximum.
struct alignas(64) Factors {
  float old[kLanes] = {}, block[kLanes] = {};
};

/// Turns the first n[r] scores of each row into weights, zeros up to a whole vector, and brings the sum of weights up
/// to date. Weights are relative to the row's new maximum, or, if BlockOwn, to the largest score of the block.
template <class Isa, int R, bool BlockOwn>
APR_OWN_REGISTERS void weigh_block(float* score, const int* n, RowState rows, size_t stride, Factors& factors) {
  using F = typename Isa::F;
  float zero[kLanes] = {};  // the score whose weight is 1
  for (int r = 0; r < R; ++r) {
    float& most = RowState{rows.o + size_t(r) * stride, rows.dp}.most();
    F top = Isa::set(-std::numeric_limits<float>::infinity());
    for (int j = 0; j < n[r]; j += kLanes) {
      float* s = score + r * kKeyBlock + j;
      if (n[r] - j < kLanes)
        Isa::store(s, Isa::keep(Isa::load(s), n[r] - j, Isa::set(-std::numeric_limits<float>::infinity())));
      top = Isa::max(Isa::load(s), top);  // passes over a NaN, whose weight will show it
    }
    const float before = most, own = Isa::largest(top);
    most = own > before ? own : before;
    factors.old[r] = before - most, factors.block[r] = own - most;
    zero[r] = BlockOwn ? own : most;
  }
  Isa::store(factors.old, exp<Isa>(Isa::load(factors.old)));
  if constexpr (BlockOwn) Isa::store(factors.block, exp<Isa>(Isa::load(factors.block)));
  for (int r = 0; r < R; ++r) {
    F total = Isa::set(0);
    for (int j = 0; j < n[r]; j += kLanes) {
      float* s = score + r * kKeyBlock + j;
      F w = exp<Isa>(Isa::sub(Isa::load(s), Isa::set(zero[r])));
      if (n[r] - j < kLanes) w = Isa::keep(w, n[r] - j, Isa::set(0));
      Isa::store(s, w);
      total = Isa::add(total, w);
    }
    if constexpr (BlockOwn) total = Isa::mul(total, Isa::set(factors.block[r]));
    float* lanes = RowState{rows.o + size_t(r) * stride, rows.dp}.lanes();
    Isa::store(lanes, Isa::fma(Isa::load(lanes), Isa::set(factors.old[r]), total));
  }
}

/// C vectors of o: o = o * factor + the sum over the first n keys of weight * value, key after key. weight [R][64]
template <class Isa, class Cells, int R, int C>
APR_OWN_REGISTERS void add_columns(const float* weight, const float* factor, Tiles values, size_t row_bytes, int n,
                                   float* o, size_t stride) {
  using F = typename Isa::F;
  F sum[R][C], value[C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c)
      sum[r][c] = Isa::mul(Isa::load(o + size_t(r) * stride + c * kLanes), Isa::set(factor[r]));
  }
  for (int first = 0; first < n; first += kKvTile, values.first += values.tile_bytes) {
    const std::byte* row = values.first;
    const int here = std::min(kKvTile, n - first);
    for (int j = first; j < first + here; ++j, row += row_bytes) {
      for (int c = 0; c < C; ++c) value[c] = Cells::load(row + size_t(c * kLanes) * Cells::bytes);
      for (size_t line = 0; line < C * kLanes * Cells::bytes; line += 64)
        __builtin_prefetch(values.soon + size_t(j) * row_bytes + line, 0, 3);
      for (int r = 0; r < R; ++r) {
        const F w = Isa::set(weight[r * kKeyBlock + j]);
        for (int c = 0; c < C; ++c) sum[r][c] = Isa::fma(w, value[c], sum[r][c]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) Isa::store(o + size_t(r) * stride + c * kLanes, sum[r][c]);
  }
}

/// body.operator()<C>(i) for all columns i of dp, C vectors at a time.
template <class Isa, int R, class Body>
APR_INLINE void each_columns(int dp, Body body) {
  constexpr int C = vectors_at_once<Isa>(R, 1);
  int i = 0;
  for (; i + C * kLanes <= dp; i += C * kLanes) body.template operator()<C>(i);
  if constexpr (C > 1) {
    for (; i < dp; i += kLanes) body.template operator()<1>(i);
  }
}

/// A block of up to 64 positions, as the kernels read it.
struct KvBlock {
  int first;  ///< position
  Tiles keys, values;
};

/// Keys and values that are floats of some kind.
template <class Isa, class Cells>
struct FloatBlocks {
  using Keys = FloatKeys<Isa, Cells>;

  /// Scores to weights and values of R rows, which all see the same n keys. d: elements of a head
  template <int R>
  APR_INLINE static void add(const KvBlock& b, int, const int* n, float* score, float*, RowState rows, size_t stride) {
    Factors factors;
    weigh_block<Isa, R, false>(score, n, rows, stride, factors);
    each_columns<Isa, R>(rows.dp, [&]<int C>(int i) {
      const Tiles from{b.values.first + size_t(i) * Cells::bytes, b.values.tile_bytes, b.values.soon + size_t(i) * Cells::bytes};
      add_columns<Isa, Cells, R, C>(score, factors.old, from, size_t(rows.dp) * Cells::bytes, n[0], rows.o + i, stride);
    });
  }
};

}  // namespace apr::kernels::generic
