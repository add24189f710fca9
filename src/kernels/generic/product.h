#pragma once
#include <cstring>

#include "base/inline.h"
#include "kernels/generic/rows.h"
#include "kernels/generic/unpack.h"
#include "kernels/table.h"

// Matrix products: 16 rows of weights times any number of tokens (ProductJob). The order of float operations is stated
// in table.h.
namespace apr::kernels::generic {

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
    for (int t = 0; t < NT; ++t) {
      sum[t] = Q::affine ? Isa::set_int(0) : Isa::start_signed(halves ? x[t][b].half_bias[h] : x[t][b].bias);
    }
    for (int k = 0; k < steps; ++k) {
      auto codes = Isa::load_codes(p.code + 64 * (g * steps + k));
      auto signed_codes = Isa::signed_codes(codes);
      for (int t = 0; t < NT; ++t) {
        int32_t x4;
        std::memcpy(&x4, x[t][b].code + 16 * h + 4 * k, 4);
        auto xs = Isa::repeat(x4);
        sum[t] = Q::affine ? Isa::dot_unsigned(sum[t], codes, xs) : Isa::dot_signed(sum[t], signed_codes, xs);
      }
    }
    auto scale = Isa::load(p.scale[g]);
    for (int t = 0; t < NT; ++t) {
      main[t] = Isa::fma(Isa::to_float(sum[t]), Isa::mul(scale, Isa::set(x[t][b].scale)), main[t]);
    }
    if constexpr (Q::affine) {
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

/// How many units ahead of the one in work its rows are asked for: enough to cover the memory's latency. The hardware's
/// own prefetchers lose their way among 16 rows.
inline constexpr int kUnitsAhead = 2;

/// Where row 0 of the unit kUnitsAhead further on begins, in this panel or the next; null when nothing is known to follow.
template <class Q>
APR_INLINE const std::byte* unit_ahead(const ProductJob& job, int column0) {
  constexpr size_t unit_bytes = kUnit / Q::info.block_len * Q::info.block_bytes;
  const int unit = column0 / kUnit + kUnitsAhead, rest = unit - units(job.w->n_in);
  if (rest < 0) return job.w->row(job.row0) + size_t(unit) * unit_bytes;
  return job.next ? job.next + size_t(rest) * unit_bytes : nullptr;
}

/// One token: rows stay as they are stored. Each row's codes meet the token's in registers, and the sums of 16 rows are
/// then folded so that a lane is a row. The sums are the same integers as in a panel, and the float steps are the same.
template <class Isa, class Q>
APR_INLINE void single_unit(const ProductJob& job, int column0, int columns, typename Isa::F& main,
                            typename Isa::F& mins) {
  const XBlock* x = job.xq[0] + column0 / XBlock::kLen;
  constexpr int most = kUnit / 64;
  const int pairs = (columns + 63) / 64;  // of 32 columns; an odd last one is paired with zeros
  typename Isa::Codes xs[most];
  for (int j = 0; j < pairs; ++j) {
    quant::Bytes32 low, high = {};
    std::memcpy(&low, x[2 * j].code, 32);
    if (64 * j + 32 < columns) std::memcpy(&high, x[2 * j + 1].code, 32);
    xs[j] = Isa::join(low, high);
  }
  typename Isa::I sums[most][kPanelRows];
  const std::byte* ahead = unit_ahead<Q>(job, column0);
  for (int r = 0; r < kPanelRows; ++r) {
    const std::byte* block = unit_block<Q>(*job.w, job.row0, job.rows, r, column0);
    for (int line = 0; ahead && line < kUnit / int(Q::info.block_len) * int(Q::info.block_bytes); line += 64)
      __builtin_prefetch(ahead + size_t(r) * job.w->row_bytes + line, 0, 3);
    quant::Bytes32 codes[kUnit / 32];
    if (columns % 64 != 0) codes[columns / 32] = quant::Bytes32{};
    unpack_codes<Q>(block, columns, codes);
    for (int j = 0; j < pairs; ++j) {
      auto w = Isa::join(codes[2 * j], codes[2 * j + 1]);
      sums[j][r] = Q::affine ? Isa::dot_unsigned(Isa::set_int(0), w, xs[j])
                             : Isa::dot_signed(Isa::set_int(0), Isa::signed_codes(w), xs[j]);
    }
  }
  alignas(64) float scale[16][16], min[16][16];
  unpack_scales<Isa, Q>(*job.w, job.row0, job.rows, column0, columns, scale, min);

  auto add_group = [&](int g, typename Isa::I sum, float x_scale, float x_sum, int32_t bias) {
    if (!Q::affine) sum = Isa::add_int(sum, Isa::start_signed(bias));
    main = Isa::fma(Isa::to_float(sum), Isa::mul(Isa::load(scale[g]), Isa::set(x_scale)), main);
    if (Q::affine) mins = Isa::fma(Isa::load(min[g]), Isa::set(x_sum), mins);
  };
  for (int j = 0; j < pairs; ++j) {
    typename Isa::I quarter[4];
    Isa::fold(sums[j], quarter);
    for (int b = 2 * j; b < std::min(2 * j + 2, columns / 32); ++b) {
      const typename Isa::I* halves = quarter + 2 * (b % 2);
      if constexpr (Q::group == 16) {
        for (int h = 0; h < 2; ++h) add_group(2 * b + h, halves[h], x[b].scale, x[b].half_sum[h], x[b].half_bias[h]);
      } else {
        add_group(b, Isa::add_int(halves[0], halves[1]), x[b].scale, x[b].sum, x[b].bias);
      }
    }
  }
}

template <class Isa, class Q>
APR_INLINE void single_token(const ProductJob& job) {
  const int n = job.w->n_in, whole = n / kUnit * kUnit;
  typename Isa::F main = Isa::set(0), mins = Isa::set(0);
  for (int c = 0; c < whole; c += kUnit) single_unit<Isa, Q>(job, c, kUnit, main, mins);
  if (whole < n) single_unit<Isa, Q>(job, whole, n - whole, main, mins);
  Isa::store(job.y, Isa::sub(main, mins));
}

/// One token: straight from the stored rows. A few: unit by unit, each used while it is in the first-level cache. Many:
/// the whole panel first, then all tokens.
template <class Isa, class Q>
void quantised_product(const ProductJob& job) {
  if (job.tokens == 1) return single_token<Isa, Q>(job);
  const int n = job.w->n_in;
  const int step = job.tokens <= Isa::token_tile ? kUnit : n;
  for (int column0 = 0; column0 < n; column0 += step) {
    const int columns = std::min(step, n - column0);
    for (int c = 0; c < columns; c += kUnit) {
      unpack_unit<Isa, Q>(*job.w, job.row0, job.rows, column0 + c, std::min(kUnit, columns - c), job.panel[c / kUnit]);
    }
    multiply<Isa, Q>(job, column0, columns);
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
