#pragma once
#include <limits>

#include "base/inline.h"
#include "kernels/generic/attend_scores.h"

// The second half of attention: scores to weights, and the values' weighted sum.
namespace apr::kernels::generic {

/// The state of a query row, padded(d) + 32 floats: o, the values' weighted sum; 16 lanes of the sum of weights; the
/// largest score, to which both are relative.
struct RowState {
  float* o;
  int dp;
  APR_INLINE float* lanes() const { return o + dp; }
  APR_INLINE float& most() const { return o[dp + kLanes]; }
};

/// Turns the first n[r] scores of each row into weights relative to the row's new maximum, zeros up to a whole vector,
/// and brings the sum of weights up to it. factor [16]: what each row's o has to be multiplied by.
template <class Isa, int R>
APR_OWN_REGISTERS void weigh_block(float* score, const int* n, RowState rows, size_t stride, float* factor) {
  using F = typename Isa::F;
  alignas(64) float drop[kLanes] = {};
  for (int r = 0; r < R; ++r) {
    float& most = RowState{rows.o + size_t(r) * stride, rows.dp}.most();
    F top = Isa::set(most);
    for (int j = 0; j < n[r]; j += kLanes) {
      float* s = score + r * kKeyBlock + j;
      if (n[r] - j < kLanes)
        Isa::store(s, Isa::keep(Isa::load(s), n[r] - j, Isa::set(-std::numeric_limits<float>::infinity())));
      top = Isa::max(Isa::load(s), top);  // passes over a NaN, whose weight will show it
    }
    const float before = most;
    most = Isa::largest(top);
    drop[r] = before - most;
  }
  Isa::store(factor, exp<Isa>(Isa::load(drop)));
  for (int r = 0; r < R; ++r) {
    const RowState row{rows.o + size_t(r) * stride, rows.dp};
    const F most = Isa::set(row.most());
    F total = Isa::set(0);
    for (int j = 0; j < n[r]; j += kLanes) {
      float* s = score + r * kKeyBlock + j;
      F w = exp<Isa>(Isa::sub(Isa::load(s), most));
      if (n[r] - j < kLanes) w = Isa::keep(w, n[r] - j, Isa::set(0));
      Isa::store(s, w);
      total = Isa::add(total, w);
    }
    Isa::store(row.lanes(), Isa::fma(Isa::load(row.lanes()), Isa::set(factor[r]), total));
  }
}

/// C vectors of o, from column i on: o = o * factor + the sum over keys of weight * value, key after key. Weights are
/// [R][64], a set of their own for every 32 columns if they are Grouped.
template <class Isa, class Cells, bool Grouped, int R, int C>
APR_OWN_REGISTERS void add_columns(const float* weight, size_t group, const float* factor, Tiles values,
                                   size_t row_bytes, int n, float* o, size_t stride) {
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
        __builtin_prefetch(row + line + values.ahead, 0, 3);
      for (int r = 0; r < R; ++r) {
        F w = Isa::set(weight[r * kKeyBlock + j]);
        for (int c = 0; c < C; ++c) {
          if (Grouped && c == 2) w = Isa::set(weight[group + size_t(r * kKeyBlock + j)]);
          sum[r][c] = Isa::fma(w, value[c], sum[r][c]);
        }
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) Isa::store(o + size_t(r) * stride + c * kLanes, sum[r][c]);
  }
}

/// The first n values of the block to R rows. `group`: floats from one set of weights to the next.
template <class Isa, class Cells, bool Grouped, int R>
APR_INLINE void add_values(const float* weight, size_t group, const float* factor, Tiles values, size_t row_bytes,
                           int n, RowState rows, size_t stride) {
  constexpr int C = vectors_at_once<Isa>(R, 1);
  auto columns = [&]<int N>(int i) {
    const Tiles from{values.first + size_t(i) * Cells::bytes, values.tile_bytes, values.ahead};
    const float* w = Grouped ? weight + size_t(i / kKvGroup) * group : weight;
    add_columns<Isa, Cells, Grouped, R, N>(w, group, factor, from, row_bytes, n, rows.o + i, stride);
  };
  int i = 0;
  for (; i + C * kLanes <= rows.dp; i += C * kLanes) columns.template operator()<C>(i);
  if constexpr (C > 1) {
    for (; i < rows.dp; i += kLanes) columns.template operator()<1>(i);
  }
}

/// Weights times the scales of Q8_0 values: a set [R][64] for each group of 32 columns.
template <class Isa, int R>
APR_INLINE void scale_weights(const float* weight, Tiles scales, int groups, int n, float* out) {
  for (int g = 0; g < groups; ++g, out += R * kKeyBlock) {
    for (int j = 0; j < n; j += kKvTile) {
      const auto scale = Isa::load_bfloat(scales.first + size_t(j / kKvTile) * scales.tile_bytes + g * 2 * kKvTile);
      for (int r = 0; r < R; ++r)
        Isa::store(out + r * kKeyBlock + j, Isa::mul(Isa::load(weight + r * kKeyBlock + j), scale));
    }
  }
}

}  // namespace apr::kernels::generic
