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

/// A unit's integer sums of groups, for 16 tokens, on their way from the matrix unit.
template <class Isa, class Q>
struct GroupSums {
  static constexpr int kGroups = kUnit / Q::group, kRegisters = Isa::MatrixUnit::sums, kDelay = 2;
  alignas(64) int32_t sum[kGroups][XTile::kTokens][kPanelRows];

  /// Asks for all of them. A sum is written kDelay groups after its product began, when it is ready; meanwhile(g) is
  /// called for each group g.
  template <class Body>
  APR_INLINE void ask(const PanelUnit& p, const XTile* x, int groups, Body meanwhile) {
    ask_from<0>(p, x, groups, meanwhile);
  }

 private:
  template <int G, class Body>
  APR_INLINE void ask_from(const PanelUnit& p, const XTile* x, int groups, Body& meanwhile) {
    constexpr int per_block = 32 / Q::group;
    if (G < groups) {
      Isa::MatrixUnit::template multiply<G % kRegisters, Q::group>(p.code + 16 * Q::group * G,
                                                                   x[G / per_block].code[0] + G % per_block * Q::group);
    }
    if constexpr (G >= kDelay) {
      if (G - kDelay < groups) Isa::MatrixUnit::template store<(G - kDelay) % kRegisters>(sum[G - kDelay][0]);
    }
    if (G < groups) meanwhile(G);
    if constexpr (G + 1 < kGroups + kDelay) ask_from<G + 1>(p, x, groups, meanwhile);
  }
};

/// Adds a unit to the sums of the first NT tokens of a tile, kept in y and mins, [token][row].
template <class Isa, class Q, int NT>
APR_INLINE void add_tile(const PanelUnit& p, int columns, const XTile* x, const XTile* next, bool first, float* y,
                         float* mins) {
  constexpr int per_block = 32 / Q::group;
  const int groups = columns / Q::group;
  GroupSums<Isa, Q> sums;
  if constexpr (Q::coding == quant::Coding::Affine) {
    typename Isa::F sum[NT];
    for (int t = 0; t < NT; ++t) sum[t] = first ? Isa::set(0) : Isa::load(mins + kPanelRows * t);
    sums.ask(
        p, x, groups, [&](int g) __attribute__((always_inline)) {
          const auto min = Isa::load(p.min[g]);
          const float* x_sum = per_block == 2 ? x[g / 2].half_sum[g % 2] : x[g].sum;
          for (int t = 0; t < NT; ++t) sum[t] = Isa::fma(min, Isa::set(x_sum[t]), sum[t]);
        });
    for (int t = 0; t < NT; ++t) Isa::store(mins + kPanelRows * t, sum[t]);
  } else {
    sums.ask(p, x, groups, [](int) {});
  }
  typename Isa::F main[NT];
  for (int t = 0; t < NT; ++t) main[t] = first ? Isa::set(0) : Isa::load(y + kPanelRows * t);
  for (int g = 0; g < groups; ++g) {
    const auto scale = Isa::load(p.scale[g]);
    const float* x_scale = x[g / per_block].scale;
    if (g % per_block == 0) fetch<Q>(next + g / per_block);
    for (int t = 0; t < NT; ++t)
      main[t] =
          Isa::fma(Isa::to_float(Isa::load_words(sums.sum[g][t])), Isa::mul(scale, Isa::set(x_scale[t])), main[t]);
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
