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
