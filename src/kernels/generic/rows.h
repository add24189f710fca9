#pragma once
#include <algorithm>
#include <cmath>

#include "base/inline.h"
#include "kernels/generic/math.h"
#include "kernels/table.h"

// Verbs on one row of f32 numbers. Elements past a multiple of 16 are the low lanes of a last, partial vector.
namespace apr::kernels::generic {

/// op(offset, count) for each vector of the row; count is 16 but for the last.
template <class Op>
APR_INLINE void each_vector(int n, Op op) {
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) op(i, kLanes);
  if (i < n) op(i, n - i);
}

template <class Isa>
APR_INLINE typename Isa::F load_some(const float* p, int count) {
  return count == kLanes ? Isa::load(p) : Isa::load_part(p, count);
}

template <class Isa>
APR_INLINE void store_some(float* p, typename Isa::F x, int count) {
  count == kLanes ? Isa::store(p, x) : Isa::store_part(p, x, count);
}

template <class Isa>
void rms_norm(const float* x, const float* weight, int n, float eps, float* y) {
  typename Isa::F squares = Isa::set(0);
  each_vector(n, [&](int i, int count) {
    auto v = load_some<Isa>(x + i, count);
    squares = Isa::fma(v, v, squares);
  });
  float inverse = 1.0f / std::sqrt(Isa::sum(squares) / float(n) + eps);
  each_vector(n, [&](int i, int count) {
    auto v = Isa::mul(load_some<Isa>(x + i, count), Isa::set(inverse));
    store_some<Isa>(y + i, Isa::mul(v, load_some<Isa>(weight + i, count)), count);
  });
}

/// gate * sigmoid(gate) * up.
template <class Isa>
void silu_mul(const float* gate, const float* up, int n, float* y) {
  each_vector(n, [&](int i, int count) {
    auto g = load_some<Isa>(gate + i, count);
    auto silu = Isa::div(g, Isa::add(Isa::set(1), exp<Isa>(Isa::sub(Isa::set(0), g))));
    store_some<Isa>(y + i, Isa::mul(silu, load_some<Isa>(up + i, count)), count);
  });
}

template <class Isa>
void softmax(float* x, int n) {
  float most = x[0];
  for (int i = 1; i < n; ++i) most = x[i] > most ? x[i] : most;
  typename Isa::F total = Isa::set(0);
  each_vector(n, [&](int i, int count) {
    auto e = exp<Isa>(Isa::sub(load_some<Isa>(x + i, count), Isa::set(most)));
    store_some<Isa>(x + i, e, count);
    total = Isa::add(total, load_some<Isa>(x + i, count));
  });
  float sum = Isa::sum(total);
  each_vector(n, [&](int i, int count) {
    store_some<Isa>(x + i, Isa::div(load_some<Isa>(x + i, count), Isa::set(sum)), count);
  });
}

template <class Isa>
void add(float* y, const float* x, int n) {
  each_vector(n, [&](int i, int count) {
    store_some<Isa>(y + i, Isa::add(load_some<Isa>(y + i, count), load_some<Isa>(x + i, count)), count);
  });
}

template <class Isa>
void add_scaled(float* y, const float* x, float w, int n) {
  each_vector(n, [&](int i, int count) {
    store_some<Isa>(y + i, Isa::fma(Isa::set(w), load_some<Isa>(x + i, count), load_some<Isa>(y + i, count)), count);
  });
}

/// To the nearest integer, ties to even. Held to ±limit for blocks with a NaN, whose largest magnitude may have got
/// lost: products rely on the range.
template <class Isa>
APR_INLINE typename Isa::F with_code(typename Isa::F x, float limit = 127) {
  x = Isa::min(Isa::max(x, Isa::set(-limit)), Isa::set(limit));
  return Isa::add(x, Isa::set(kRoundMagic));
}
template <class Isa>
APR_INLINE typename Isa::I codes_of(typename Isa::F x, float limit = 127) {
  return Isa::bits(with_code<Isa>(x, limit));
}

/// How numbers are rounded to codes of up to ±limit: x ~ size * code, code = x * inverse to the nearest.
struct Step {
  float size, inverse;
};
/// Of n numbers, a multiple of 16. If their largest magnitude is below 1e-30 all become zeros; if there is a NaN or an
/// infinity the size is NaN.
template <class Isa>
APR_INLINE Step step_of(const float* x, int n, float limit) {
  auto most = Isa::set(0), broken = Isa::set(0);
  for (int i = 0; i < n; i += kLanes) {
    const auto v = Isa::load(x + i);
    most = Isa::max(Isa::abs(v), most);
    broken = Isa::fma(v, Isa::set(0), broken);  // NaN, or else a zero
  }
  const float top = Isa::largest(most);
  const bool live = top > 1e-30f;
  return {(live ? top / limit : 0.0f) + Isa::sum(broken), live ? limit / top : 0.0f};
}
/// Exact: sixteen integers of at most 127 each.
template <class Isa>
APR_INLINE int sum_of_codes(typename Isa::F x) {
  return int(Isa::sum(Isa::sub(with_code<Isa>(x), Isa::set(kRoundMagic))));
}

/// Codes to the nearest integer, ties to even. A block whose largest magnitude is below 1e-30 becomes zeros; one that
/// holds a NaN or an infinity gets a NaN for its scale, so that what is broken stays visible down to the logits.
template <class Isa>
void quantise(const float* x, int n, XBlock* out) {
  for (int start = 0; start < n; start += XBlock::kLen, ++out) {
    int left = n - start;
    auto a = load_some<Isa>(x + start, std::min(left, kLanes));
    auto b = left > kLanes ? load_some<Isa>(x + start + kLanes, std::min(left - kLanes, kLanes)) : Isa::set(0);
    float most = Isa::largest(Isa::max(Isa::abs(a), Isa::abs(b)));
    bool live = most > 1e-30f;
    auto inverse = Isa::set(live ? 127.0f / most : 0.0f);
    const auto scaled_a = Isa::mul(a, inverse), scaled_b = Isa::mul(b, inverse);
    Isa::store_bytes(out->code, codes_of<Isa>(scaled_a));
    Isa::store_bytes(out->code + 16, codes_of<Isa>(scaled_b));
    const int sum[2] = {sum_of_codes<Isa>(scaled_a), sum_of_codes<Isa>(scaled_b)};
    const float broken = Isa::sum(Isa::fma(a, Isa::set(0), Isa::mul(b, Isa::set(0))));  // NaN, or else a zero
    out->scale = (live ? most / 127.0f : 0.0f) + broken;
    out->sum = out->scale * float(sum[0] + sum[1]);
    out->bias = -128 * (sum[0] + sum[1]);
    for (int h = 0; h < 2; ++h) {
      out->half_sum[h] = out->scale * float(sum[h]);
      out->half_bias[h] = -128 * sum[h];
    }
    out->unused = 0;
  }
}

}  // namespace apr::kernels::generic
