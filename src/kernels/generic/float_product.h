#pragma once
#include <cstring>

#include "base/inline.h"
#include "kernels/generic/rows.h"
#include "kernels/table.h"

// Products with weights that are stored as floats.
namespace apr::kernels::generic {

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

/// NR rows from r on with NT tokens at a time, from token t on; returns the first token left over.
template <class Isa, class Stored, int NR, int NT>
APR_INLINE int float_tiles(const ProductJob& job, int r, int t) {
  const int n = job.w->n_in, whole = n / kLanes * kLanes;
  for (; t + NT <= job.tokens; t += NT) {
    const std::byte* weights[NR];
    typename Isa::F sum[NR][NT];
    for (int k = 0; k < NR; ++k) {
      weights[k] = job.w->row(job.row0 + r + k);
      for (int i = 0; i < NT; ++i) sum[k][i] = Isa::set(0);
    }
    for (int c = 0; c < whole; c += kLanes) {
      typename Isa::F x[NT];
      for (int i = 0; i < NT; ++i) x[i] = Isa::load(job.xf[t + i] + c);
      for (int k = 0; k < NR; ++k) {
        const auto w = Stored::load(weights[k] + c * Stored::bytes);
        for (int i = 0; i < NT; ++i) sum[k][i] = Isa::fma(w, x[i], sum[k][i]);
      }
    }
    if (whole < n) {
      for (int k = 0; k < NR; ++k) {
        std::byte rest[4 * kLanes] = {};
        std::memcpy(rest, weights[k] + whole * Stored::bytes, size_t(n - whole) * Stored::bytes);
        const auto w = Stored::load(rest);
        for (int i = 0; i < NT; ++i)
          sum[k][i] = Isa::fma(w, Isa::load_part(job.xf[t + i] + whole, n - whole), sum[k][i]);
      }
    }
    for (int k = 0; k < NR; ++k) {
      for (int i = 0; i < NT; ++i) job.y[kPanelRows * (t + i) + r + k] = Isa::sum(sum[k][i]);
    }
  }
  return t;
}

template <class Isa, class Stored, int NR>
APR_INLINE int float_rows(const ProductJob& job, int r) {
  for (; r + NR <= job.rows; r += NR) {
    const int t = float_tiles<Isa, Stored, NR, 4>(job, r, 0);
    float_tiles<Isa, Stored, NR, 1>(job, r, t);
  }
  return r;
}

template <class Isa, class Stored>
void float_product(const ProductJob& job) {
  const int r = float_rows<Isa, Stored, Isa::float_rows>(job, 0);
  float_rows<Isa, Stored, 1>(job, r);
}

}  // namespace apr::kernels::generic
