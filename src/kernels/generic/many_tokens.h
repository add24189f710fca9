#pragma once
#include <algorithm>

#include "base/inline.h"
#include "kernels/generic/dot.h"
#include "kernels/generic/matrix_unit.h"
#include "kernels/generic/unpack.h"
#include "kernels/table.h"

// Products of 16 rows with many tokens: prefill. A unit of 256 columns is unpacked once, into the first-level cache,
// and meets all tokens there, a tile of them after another.
namespace apr::kernels::generic {

/// Adds a unit to the sums of tokens t … t + NT - 1 of a tile, kept in y and mins, [token][row].
template <class Isa, class Q, int NT>
APR_INLINE void multiply_unit(const PanelUnit& p, int columns, const XTile* x, const XTile* next, int t, bool first,
                              float* y, float* mins) {
  constexpr bool halves = Q::group == 16, affine = Q::coding == quant::Coding::Affine;
  constexpr int steps = Q::group / 4;
  typename Isa::F main[NT], min_sum[NT];
  for (int i = 0; i < NT; ++i) {
    main[i] = first ? Isa::set(0) : Isa::load(y + kPanelRows * (t + i));
    if constexpr (affine) min_sum[i] = first ? Isa::set(0) : Isa::load(mins + kPanelRows * (t + i));
  }
  for (int g = 0; g < columns / Q::group; ++g) {
    const int h = halves ? g % 2 : 0;
    const int b = halves ? g / 2 : g;
    const XTile& xb = x[b];
    if (t == 0 && h == 0) fetch<Q>(next + b);
    typename Isa::I sum[NT];
    for (int i = 0; i < NT; ++i) sum[i] = Dot<Isa, Q>::start(halves ? xb.half_bias[h][t + i] : xb.bias[t + i]);
    for (int k = 0; k < steps; ++k) {
      const auto codes = Dot<Isa, Q>::prepare(Isa::load_codes(p.code + 64 * (g * steps + k)));
      for (int i = 0; i < NT; ++i) sum[i] = Dot<Isa, Q>::add(sum[i], codes, xb.code[t + i] + 16 * h + 4 * k);
    }
    const auto scale = Isa::load(p.scale[g]);
    for (int i = 0; i < NT; ++i)
      main[i] = Isa::fma(Isa::to_float(sum[i]), Isa::mul(scale, Isa::set(xb.scale[t + i])), main[i]);
    if constexpr (affine) {
      const auto min = Isa::load(p.min[g]);
      for (int i = 0; i < NT; ++i)
        min_sum[i] = Isa::fma(min, Isa::set(halves ? xb.half_sum[h][t + i] : xb.sum[t + i]), min_sum[i]);
    }
  }
  for (int i = 0; i < NT; ++i) {
    Isa::store(y + kPanelRows * (t + i), main[i]);
    if constexpr (affine) Isa::store(mins + kPanelRows * (t + i), min_sum[i]);
  }
}

/// Tokens t, t + 1, … of a tile: as many at once as registers hold, then half as many, …
template <class Isa, class Q, int NT = Isa::token_tile>
APR_INLINE void multiply_tile(const PanelUnit& p, int columns, const XTile* x, const XTile* next, int tokens,
                              bool first, float* y, float* mins, int t = 0) {
  for (; t + NT <= tokens; t += NT) multiply_unit<Isa, Q, NT>(p, columns, x, next, t, first, y, mins);
  if constexpr (NT > 1) {
    if (t < tokens) multiply_tile<Isa, Q, NT / 2>(p, columns, x, next, tokens, first, y, mins, t);
  }
}

template <class Isa, class Q, class Rows>
void many_tokens(const ProductJob& job, const Rows& rows) {
  constexpr bool matrix_unit = has_matrix_unit<Isa>;
  const int n = job.w->n_in, blocks = x_blocks(n), tiles = x_tiles(job.tokens);
  PanelUnit& p = *job.panel;
  [[maybe_unused]] const UnitOf<Isa> unit(Q::group);
  for (int column0 = 0; column0 < n; column0 += kUnit) {
    const int columns = std::min(kUnit, n - column0);
    UnitBuffer buffer;
    unpack_unit<Isa, Q>(rows.unit(column0, columns, buffer), columns, p);
    if constexpr (matrix_unit) make_signed<Isa, Q>(p, columns);
    const auto ahead = rows.ahead(column0);
    for (int i = 0, part = 0; i < tiles; ++i) {
      for (; ahead && part < kFetchParts * (i + 1) / tiles; ++part) rows.fetch(ahead, part);
      const XTile* x = job.xt + size_t(i) * size_t(blocks) + column0 / XTile::kLen;
      const XTile* next = i + 1 < tiles         ? x + blocks
                          : column0 + kUnit < n ? job.xt + (column0 + kUnit) / XTile::kLen
                                                : job.xt;
      const int first_token = XTile::kTokens * i, tokens = std::min(XTile::kTokens, job.tokens - first_token);
      float *y = job.y + kPanelRows * first_token, *mins = job.mins + kPanelRows * first_token;
      if constexpr (matrix_unit) {
        add_tile_of<Isa, Q>(p, columns, x, next, tokens, column0 == 0, y, mins);
      } else {
        multiply_tile<Isa, Q>(p, columns, x, next, tokens, column0 == 0, y, mins);
      }
    }
  }
  if constexpr (Q::coding == quant::Coding::Affine) {
    for (int t = 0; t < job.tokens; ++t) {
      float* y = job.y + kPanelRows * t;
      Isa::store(y, Isa::sub(Isa::load(y), Isa::load(job.mins + kPanelRows * t)));
    }
  }
}

}  // namespace apr::kernels::generic
