#pragma once
#include <algorithm>

#include "base/inline.h"
#include "kernels/generic/dot.h"
#include "kernels/generic/unpack.h"
#include "kernels/table.h"

// Products of 16 rows with a few tokens: decode, several sequences a step, guesses to verify. Weights go from words to
// products without being written in between, and are asked for ahead of time.
namespace apr::kernels::generic {

/// Adds 32 columns times NT tokens to their sums, straight from the unit's words. The sums are the same integers as in
/// a panel, and the float steps are the same.
template <class Isa, class Q, int NT>
APR_INLINE void multiply_words(UnitWords u, const UnitScales<Isa, Q>& scales, int j, const XBlock* const* tokens,
                               int block0, typename Isa::F* main, typename Isa::F* mins) {
  constexpr int groups = 32 / Q::group, steps = Q::group / 4;
  typename Isa::Codes codes[8];
  unit_codes<Isa, Q>(u, j, codes);
  for (int h = 0; h < groups; ++h) {
    const auto scale = scales.scale(groups * j + h);
    for (int t = 0; t < NT; ++t) {
      const XBlock& x = tokens[t][block0 + j];
      auto sum = Dot<Isa, Q>::start(groups == 2 ? x.half_bias[h] : x.bias);
      for (int k = 0; k < steps; ++k)
        sum = Dot<Isa, Q>::add(sum, Dot<Isa, Q>::prepare(codes[steps * h + k]), x.code + 16 * h + 4 * k);
      main[t] = Isa::fma(Isa::to_float(sum), Isa::mul(scale, Isa::set(x.scale)), main[t]);
    }
    if constexpr (Q::coding == quant::Coding::Affine) {
      const auto min = scales.min(groups * j + h);
      for (int t = 0; t < NT; ++t) {
        const XBlock& x = tokens[t][block0 + j];
        mins[t] = Isa::fma(min, Isa::set(groups == 2 ? x.half_sum[h] : x.sum), mins[t]);
      }
    }
  }
}

/// Up to NT tokens, unit by unit, with the sums of all of them in registers. Where there are fewer the last is computed
/// again: that costs less than another pass over the weights, or another program for every number.
template <class Isa, class Q, int NT, class Rows>
APR_INLINE void few_tokens(const ProductJob& job, const Rows& rows) {
  const int n = job.w->n_in;
  const XBlock* x[NT];
  for (int t = 0; t < NT; ++t) x[t] = job.xq[std::min(t, job.tokens - 1)];
  typename Isa::F main[NT], mins[NT];
  for (int t = 0; t < NT; ++t) main[t] = mins[t] = Isa::set(0);
  for (int column0 = 0; column0 < n; column0 += kUnit) {
    const int columns = std::min(kUnit, n - column0);
    UnitBuffer buffer;
    const UnitWords u = rows.unit(column0, columns, buffer);
    const UnitScales<Isa, Q> scales(u);
    const auto ahead = rows.ahead(column0);
    const auto part = [&](auto j) APR_INLINE_BODY {
      if (ahead) rows.fetch(ahead, j);
      multiply_words<Isa, Q, NT>(u, scales, j, x, column0 / XBlock::kLen, main, mins);
    };
    if constexpr (Q::info.block_len == kUnit) {
      unrolled<kUnit / 32>(part);  // with constants no byte of a scale and no shift of a code is looked for
    } else {
      for (int j = 0; j < columns / 32; ++j) part(j);
    }
  }
  for (int t = 0; t < std::min(NT, job.tokens); ++t) Isa::store(job.y + kPanelRows * t, Isa::sub(main[t], mins[t]));
}

/// few_tokens, for the smallest power of two that has room for all.
template <class Isa, class Q, int NT = 1, class Rows>
void few_tokens_at_most(const ProductJob& job, const Rows& rows) {
  if constexpr (NT < Isa::few_tokens) {
    if (job.tokens > NT) return few_tokens_at_most<Isa, Q, 2 * NT>(job, rows);
  }
  few_tokens<Isa, Q, NT>(job, rows);
}

}  // namespace apr::kernels::generic
