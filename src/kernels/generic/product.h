#pragma once
#include <cstring>

#include "base/inline.h"
#include "kernels/generic/rows.h"
#include "kernels/generic/unpack.h"
#include "kernels/table.h"

// Matrix products: 16 rows of weights times any number of tokens (ProductJob). The order of float operations is stated
// in table.h.
namespace apr::kernels::generic {

/// What a group's integer sum begins with, and what adds four columns to it, as the type's coding asks.
template <class Isa, class Q>
struct Dot {
  static constexpr bool has_signs = Q::coding == quant::Coding::Signed || Q::coding == quant::Coding::Levels;
  /// bias is -128 * (sum of the group's activations).
  APR_INLINE static typename Isa::I start(int32_t bias) {
    if constexpr (has_signs) return Isa::start_signed(bias);
    if constexpr (Q::coding == quant::Coding::Offset) return Isa::set_int(bias / 128 * Q::offset);
    return Isa::set_int(0);
  }
  APR_INLINE static auto prepare(typename Isa::Codes c) {
    if constexpr (has_signs) {
      return Isa::signed_codes(c);
    } else {
      return c;
    }
  }
  template <class Prepared>
  APR_INLINE static typename Isa::I add(typename Isa::I sum, Prepared w, const int8_t* x4) {
    int32_t four;
    std::memcpy(&four, x4, 4);
    if constexpr (has_signs) {
      return Isa::dot_signed(sum, w, Isa::repeat(four));
    } else {
      return Isa::dot_unsigned(sum, w, Isa::repeat(four));
    }
  }
};

/// Adds `columns` columns of a panel unit times NT tokens to their sums.
template <class Isa, class Q, int NT>
APR_INLINE void multiply_unit(const PanelUnit& p, int columns, const XBlock* const* tokens, int block0,
                              typename Isa::F* main, typename Isa::F* mins) {
  constexpr bool halves = Q::group == 16;
  constexpr int steps = Q::group / 4;
  const XBlock* x[NT];
  for (int t = 0; t < NT; ++t) x[t] = tokens[t] + block0;
  for (int g = 0; g < columns / Q::group; ++g) {
    const int b = halves ? g / 2 : g, h = halves ? g % 2 : 0;
    typename Isa::I sum[NT];
    for (int t = 0; t < NT; ++t) sum[t] = Dot<Isa, Q>::start(halves ? x[t][b].half_bias[h] : x[t][b].bias);
    for (int k = 0; k < steps; ++k) {
      const auto codes = Dot<Isa, Q>::prepare(Isa::load_codes(p.code + 64 * (g * steps + k)));
      for (int t = 0; t < NT; ++t) sum[t] = Dot<Isa, Q>::add(sum[t], codes, x[t][b].code + 16 * h + 4 * k);
    }
    auto scale = Isa::load(p.scale[g]);
    for (int t = 0; t < NT; ++t) {
      main[t] = Isa::fma(Isa::to_float(sum[t]), Isa::mul(scale, Isa::set(x[t][b].scale)), main[t]);
    }
    if constexpr (Q::coding == quant::Coding::Affine) {
      auto min = Isa::load(p.min[g]);
      for (int t = 0; t < NT; ++t)
        mins[t] = Isa::fma(min, Isa::set(halves ? x[t][b].half_sum[h] : x[t][b].sum), mins[t]);
    }
  }
}

/// Columns column0 … column0 + columns - 1, for tokens t, t + 1, … as long as NT of them are left; sums are kept in
/// job.y and job.mins.
template <class Isa, class Q, int NT>
APR_INLINE int multiply_tiles(const ProductJob& job, int column0, int columns, int t) {
  for (; t + NT <= job.tokens; t += NT) {
    typename Isa::F main[NT], mins[NT];
    for (int i = 0; i < NT; ++i) {
      main[i] = column0 == 0 ? Isa::set(0) : Isa::load(job.y + kPanelRows * (t + i));
      mins[i] = column0 == 0 ? Isa::set(0) : Isa::load(job.mins + kPanelRows * (t + i));
    }
    for (int c = 0; c < columns; c += kUnit) {
      multiply_unit<Isa, Q, NT>(job.panel[c / kUnit], std::min(kUnit, columns - c), job.xq + t,
                                (column0 + c) / XBlock::kLen, main, mins);
    }
    const bool last = column0 + columns == job.w->n_in;
    for (int i = 0; i < NT; ++i) {
      Isa::store(job.y + kPanelRows * (t + i), last ? Isa::sub(main[i], mins[i]) : main[i]);
      if (!last) Isa::store(job.mins + kPanelRows * (t + i), mins[i]);
    }
  }
  return t;
}

template <class Isa, class Q, int NT = Isa::token_tile>
APR_INLINE void multiply(const ProductJob& job, int column0, int columns, int t = 0) {
  t = multiply_tiles<Isa, Q, NT>(job, column0, columns, t);
  if constexpr (NT > 1) multiply<Isa, Q, NT / 2>(job, column0, columns, t);
}

/// Adds a unit times NT tokens to their sums, straight from its words. The sums are the same integers as in a panel,
/// and the float steps are the same.
template <class Isa, class Q, int NT, class Rows>
APR_INLINE void multiply_words(UnitWords u, int columns, const float (*scale)[16], const float (*min)[16],
                               const XBlock* const* tokens, int block0, typename Isa::F* main, typename Isa::F* mins,
                               const Rows& rows, const std::byte* ahead) {
  constexpr int groups = 32 / Q::group, steps = Q::group / 4;
  for (int j = 0; j < columns / 32; ++j) {
    if (ahead) rows.fetch(ahead, j);
    typename Isa::Codes codes[8];
    unit_codes<Isa, Q>(u, j, codes);
    for (int h = 0; h < groups; ++h) {
      const auto scales = Isa::load(scale[groups * j + h]);
      for (int t = 0; t < NT; ++t) {
        const XBlock& x = tokens[t][block0 + j];
        auto sum = Dot<Isa, Q>::start(groups == 2 ? x.half_bias[h] : x.bias);
        for (int k = 0; k < steps; ++k)
          sum = Dot<Isa, Q>::add(sum, Dot<Isa, Q>::prepare(codes[steps * h + k]), x.code + 16 * h + 4 * k);
        main[t] = Isa::fma(Isa::to_float(sum), Isa::mul(scales, Isa::set(x.scale)), main[t]);
        if constexpr (Q::coding == quant::Coding::Affine) {
          mins[t] = Isa::fma(Isa::load(min[groups * j + h]), Isa::set(groups == 2 ? x.half_sum[h] : x.sum), mins[t]);
        }
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
    alignas(64) float scale[16][16], min[16][16];
    unit_scales<Isa, Q>(u, columns, scale, min);
    multiply_words<Isa, Q, NT>(u, columns, scale, min, x, column0 / XBlock::kLen, main, mins, rows,
                               rows.ahead(column0));
  }
  for (int t = 0; t < std::min(NT, job.tokens); ++t) Isa::store(job.y + kPanelRows * t, Isa::sub(main[t], mins[t]));
}

/// few_tokens, for the smallest power of two that has room for all.
template <class Isa, class Q, int NT = 1, class Rows>
void few_packed_tokens(const ProductJob& job, const Rows& rows) {
  if constexpr (NT < Isa::token_tile) {
    if (job.tokens > NT) return few_packed_tokens<Isa, Q, 2 * NT>(job, rows);
  }
  few_tokens<Isa, Q, NT>(job, rows);
}

/// One token, and a few of packed rows (few_packed_tokens): straight from the words. A few: unit by unit, each used
/// while it is in the first-level cache. Many: the whole panel first, then all tokens.
template <class Isa, class Q, class Rows>
APR_INLINE void product_of(const ProductJob& job, const Rows& rows) {
  if (job.tokens == 1) return few_tokens<Isa, Q, 1>(job, rows);
  const int n = job.w->n_in;
  const int step = job.tokens <= Isa::token_tile ? kUnit : n;
  for (int column0 = 0; column0 < n; column0 += step) {
    const int columns = std::min(step, n - column0);
    for (int c = 0; c < columns; c += kUnit) {
      UnitBuffer buffer;
      const int width = std::min(kUnit, columns - c);
      unpack_unit<Isa, Q>(rows.unit(column0 + c, width, buffer), width, job.panel[c / kUnit]);
    }
    multiply<Isa, Q>(job, column0, columns);
  }
}

template <class Isa, class Q>
void quantised_product(const ProductJob& job) {
  if (job.w->packed()) {
    const PackedRows<Q> rows(job);
    if (job.tokens <= Isa::token_tile) return few_packed_tokens<Isa, Q>(job, rows);
    product_of<Isa, Q>(job, rows);
  } else {
    product_of<Isa, Q>(job, StoredRows<Isa, Q>(job));
  }
}

/// How weights stored as floats are read.
template <class Isa>
struct F32Weights {
  static constexpr quant::Type type = quant::Type::F32;
  static constexpr int bytes = 4;
  APR_INLINE static typename Isa::F load(const std::byte* p) { return Isa::load(reinterpret_cast<const float*>(p)); }
};
template <class Isa>
struct F16Weights {
  static constexpr quant::Type type = quant::Type::F16;
  static constexpr int bytes = 2;
  APR_INLINE static typename Isa::F load(const std::byte* p) { return Isa::load_half(p); }
};
template <class Isa>
struct Bf16Weights {
  static constexpr quant::Type type = quant::Type::BF16;
  static constexpr int bytes = 2;
  APR_INLINE static typename Isa::F load(const std::byte* p) { return Isa::load_bfloat(p); }
};

template <class Isa, class Stored, int NT>
APR_INLINE int float_tiles(const ProductJob& job, const std::byte* weights, int r, int t) {
  const int n = job.w->n_in, whole = n / kLanes * kLanes;
  for (; t + NT <= job.tokens; t += NT) {
    typename Isa::F sum[NT];
    for (int i = 0; i < NT; ++i) sum[i] = Isa::set(0);
    for (int c = 0; c < whole; c += kLanes) {
      auto w = Stored::load(weights + c * Stored::bytes);
      for (int i = 0; i < NT; ++i) sum[i] = Isa::fma(w, Isa::load(job.xf[t + i] + c), sum[i]);
    }
    if (whole < n) {
      std::byte rest[4 * kLanes] = {};
      std::memcpy(rest, weights + whole * Stored::bytes, size_t(n - whole) * Stored::bytes);
      auto w = Stored::load(rest);
      for (int i = 0; i < NT; ++i) sum[i] = Isa::fma(w, Isa::load_part(job.xf[t + i] + whole, n - whole), sum[i]);
    }
    for (int i = 0; i < NT; ++i) job.y[kPanelRows * (t + i) + r] = Isa::sum(sum[i]);
  }
  return t;
}

template <class Isa, class Stored>
void float_product(const ProductJob& job) {
  for (int r = 0; r < job.rows; ++r) {
    const std::byte* weights = job.w->row(job.row0 + r);
    int t = float_tiles<Isa, Stored, 4>(job, weights, r, 0);
    float_tiles<Isa, Stored, 1>(job, weights, r, t);
  }
}

}  // namespace apr::kernels::generic
