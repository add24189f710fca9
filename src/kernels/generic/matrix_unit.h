#pragma once
#include <algorithm>

#include "base/inline.h"
#include "kernels/generic/dot.h"
#include "kernels/table.h"
#include "quant/all.h"

// Many tokens times a unit of 16 rows on instruction sets that multiply whole matrices. The unit gives the integer sums
// of a group for 16 tokens at once; the float steps are those of every other path (table.h).
namespace apr::kernels::generic {

template <class Isa>
inline constexpr bool has_matrix_unit = requires {
  typename Isa::MatrixUnit;
};

/// The set-up of a matrix unit for groups of so many columns, or nothing where there is none.
struct NoUnit {
  explicit NoUnit(int) {}
};
template <class Isa>
struct UnitChoice {
  using type = NoUnit;
};
template <class Isa>
requires has_matrix_unit<Isa>
struct UnitChoice<Isa> {
  using type = typename Isa::MatrixUnit;
};
template <class Isa>
using UnitOf = typename UnitChoice<Isa>::type;

/// Codes as the matrix unit takes them: signed bytes, any offset subtracted.
template <class Isa, class Q>
APR_INLINE void make_signed(PanelUnit& p, int columns) {
  if constexpr (Q::coding == quant::Coding::Offset) {
    for (int k = 0; k < columns / 4; ++k)
      Isa::store_codes(p.code + 64 * k, Isa::subtract_bytes(Isa::load_codes(p.code + 64 * k), Q::offset));
  }
}

/// Integer sums of groups on their way from the matrix unit: it works on one batch while floats are made of the other.
template <class Isa, class Q>
struct GroupSums {
  static constexpr int kBatch = Isa::MatrixUnit::sums;
  alignas(64) int32_t sum[2][kBatch][XTile::kTokens][kPanelRows];

  /// Asks for the sums of groups first … first + kBatch - 1, as far as they exist.
  APR_INLINE void ask(const PanelUnit& p, const XTile* x, int first, int groups) {
    ask_from<0>(p, x, first, std::min(kBatch, groups - first));
  }

 private:
  template <int C>
  APR_INLINE void ask_from(const PanelUnit& p, const XTile* x, int first, int n) {
    if (C >= n) return;
    constexpr int per_block = 32 / Q::group;
    const int g = first + C;
    Isa::MatrixUnit::template multiply<C>(p.code + 16 * Q::group * g,
                                          x[g / per_block].code[0] + g % per_block * Q::group);
    if constexpr (C + 1 < kBatch) ask_from<C + 1>(p, x, first, n);
    Isa::MatrixUnit::template store<C>(sum[first / kBatch % 2][C][0]);
  }
};

/// Adds a unit to the sums of the first NT tokens of a tile, kept in y and mins, [token][row].
template <class Isa, class Q, int NT>
APR_INLINE void add_tile(const PanelUnit& p, int columns, const XTile* x, const XTile* next, bool first, float* y,
                         float* mins) {
  constexpr int per_block = 32 / Q::group, batch = GroupSums<Isa, Q>::kBatch;
  const int groups = columns / Q::group;
  GroupSums<Isa, Q> sums;
  sums.ask(p, x, 0, groups);
  if constexpr (Q::coding == quant::Coding::Affine) {  // meanwhile
    typename Isa::F sum[NT];
    for (int t = 0; t < NT; ++t) sum[t] = first ? Isa::set(0) : Isa::load(mins + kPanelRows * t);
    for (int g = 0; g < groups; ++g) {
      const auto min = Isa::load(p.min[g]);
      const XTile& xb = x[g / per_block];
      const float* x_sum = per_block == 2 ? xb.half_sum[g % 2] : xb.sum;
      for (int t = 0; t < NT; ++t) sum[t] = Isa::fma(min, Isa::set(x_sum[t]), sum[t]);
    }
    for (int t = 0; t < NT; ++t) Isa::store(mins + kPanelRows * t, sum[t]);
  }
  typename Isa::F main[NT];
  for (int t = 0; t < NT; ++t) main[t] = first ? Isa::set(0) : Isa::load(y + kPanelRows * t);
  for (int g0 = 0; g0 < groups; g0 += batch) {
    if (g0 + batch < groups) sums.ask(p, x, g0 + batch, groups);
    for (int g = g0; g < std::min(g0 + batch, groups); ++g) {
      const auto scale = Isa::load(p.scale[g]);
      const float* x_scale = x[g / per_block].scale;
      if (g % per_block == 0) fetch(next + g / per_block);
      const auto& sum = sums.sum[g / batch % 2][g % batch];
      for (int t = 0; t < NT; ++t)
        main[t] = Isa::fma(Isa::to_float(Isa::load_ints(sum[t])), Isa::mul(scale, Isa::set(x_scale[t])), main[t]);
    }
  }
  for (int t = 0; t < NT; ++t) Isa::store(y + kPanelRows * t, main[t]);
}

template <class Isa, class Q>
APR_INLINE void add_tile_of(const PanelUnit& p, int columns, const XTile* x, const XTile* next, int tokens, bool first,
                            float* y, float* mins) {
  if (tokens <= 4) return add_tile<Isa, Q, 4>(p, columns, x, next, first, y, mins);
  if (tokens <= 8) return add_tile<Isa, Q, 8>(p, columns, x, next, first, y, mins);
  add_tile<Isa, Q, 16>(p, columns, x, next, first, y, mins);
}

}  // namespace apr::kernels::generic
