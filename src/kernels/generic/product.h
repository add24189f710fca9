#pragma once
#include <cstring>

#include "base/inline.h"
#include "kernels/generic/rows.h"
#include "kernels/table.h"
#include "quant/all.h"

// Matrix products: 16 rows of weights times any number of tokens (ProductJob). The order of float operations is stated in table.h.
namespace apr::kernels::generic {

/// Unpacks 16 rows of up to 256 columns into a panel unit. Rows past `rows` repeat the last one: their results are not used.
template <class Isa, class Q>
APR_INLINE void unpack_unit(const Weight& w, int row0, int rows, int column0, int columns, PanelUnit& out) {
  constexpr int len = int(Q::info.block_len), groups = len / Q::group;
  alignas(64) uint8_t code[kPanelRows][kUnit];
  alignas(64) float scale[kPanelRows][16], min[kPanelRows][16];
  const int blocks = columns / len;
  for (int r = 0; r < kPanelRows; ++r) {
    const std::byte* block = w.row(row0 + (r < rows ? r : rows - 1)) + size_t(column0 / len) * Q::info.block_bytes;
    for (int b = 0; b < blocks; ++b, block += Q::info.block_bytes) {
      Q::unpack(block, code[r] + b * len, scale[r] + b * groups, min[r] + b * groups);
    }
  }
  for (int c = 0; c < columns; c += 64) Isa::transpose(code[0] + c, kUnit, out.code + kPanelRows * c);
  Isa::transpose(scale, sizeof scale[0], out.scale);
  if (Q::affine) Isa::transpose(min, sizeof min[0], out.min);
}

/// Adds `columns` columns of a panel unit times NT tokens to their sums.
template <class Isa, class Q, int NT>
APR_INLINE void multiply_unit(const PanelUnit& p, int columns, const XBlock* const* tokens, int block0, typename Isa::F* main,
                              typename Isa::F* mins) {
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
        sum[t] = Q::affine ? Isa::dot_unsigned(sum[t], codes, x4) : Isa::dot_signed(sum[t], signed_codes, x4);
      }
    }
    auto scale = Isa::load(p.scale[g]);
    for (int t = 0; t < NT; ++t) {
      main[t] = Isa::fma(Isa::to_float(sum[t]), Isa::mul(scale, Isa::set(x[t][b].scale)), main[t]);
    }
    if constexpr (Q::affine) {
      auto min = Isa::load(p.min[g]);
      for (int t = 0; t < NT; ++t) mins[t] = Isa::fma(min, Isa::set(halves ? x[t][b].half_sum[h] : x[t][b].sum), mins[t]);
    }
  }
}

/// Columns column0 … column0 + columns - 1, for tokens t, t + 1, … as long as NT of them are left; sums are kept in job.y and job.mins.
template <class Isa, class Q, int NT>
APR_INLINE int multiply_tiles(const ProductJob& job, int column0, int columns, int t) {
  for (; t + NT <= job.tokens; t += NT) {
    typename Isa::F main[NT], mins[NT];
    for (int i = 0; i < NT; ++i) {
      main[i] = column0 == 0 ? Isa::set(0) : Isa::load(job.y + kPanelRows * (t + i));
      mins[i] = column0 == 0 ? Isa::set(0) : Isa::load(job.mins + kPanelRows * (t + i));
    }
    for (int c = 0; c < columns; c += kUnit) {
      multiply_unit<Isa, Q, NT>(job.panel[c / kUnit], std::min(kUnit, columns - c), job.xq + t, (column0 + c) / XBlock::kLen, main, mins);
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

/// Few tokens: unit by unit, each used while it is in the first-level cache. Many: the whole panel first, then all tokens.
template <class Isa, class Q>
void quantised_product(const ProductJob& job) {
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
