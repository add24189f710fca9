#pragma once
#include <cstdint>

#include "base/inline.h"

// Sixteen 32-bit words, one a lane, with the operators of uint32_t: what the types' bits are taken apart with
// (quant/block.h).
namespace apr::kernels::isa {

/// One register, where there are any so wide (a vector extension of GCC and Clang).
typedef uint32_t WideWords __attribute__((vector_size(64), may_alias));

/// Two registers of half the width. Of WideWords GCC makes a detour through memory and 64-bit registers there.
struct PairOfWords {
  typedef uint32_t Half __attribute__((vector_size(32), may_alias));
  Half a, b;

  APR_INLINE friend PairOfWords operator&(PairOfWords x, PairOfWords y) { return {x.a & y.a, x.b & y.b}; }
  APR_INLINE friend PairOfWords operator|(PairOfWords x, PairOfWords y) { return {x.a | y.a, x.b | y.b}; }
  APR_INLINE friend PairOfWords operator^(PairOfWords x, PairOfWords y) { return {x.a ^ y.a, x.b ^ y.b}; }
  APR_INLINE friend PairOfWords operator&(PairOfWords x, uint32_t y) { return {x.a & y, x.b & y}; }
  APR_INLINE friend PairOfWords operator|(PairOfWords x, uint32_t y) { return {x.a | y, x.b | y}; }
  APR_INLINE friend PairOfWords operator^(PairOfWords x, uint32_t y) { return {x.a ^ y, x.b ^ y}; }
  APR_INLINE friend PairOfWords operator*(PairOfWords x, uint32_t y) { return {x.a * y, x.b * y}; }
  APR_INLINE friend PairOfWords operator<<(PairOfWords x, int n) { return {x.a << n, x.b << n}; }
  APR_INLINE friend PairOfWords operator>>(PairOfWords x, int n) { return {x.a >> n, x.b >> n}; }
  APR_INLINE PairOfWords& operator|=(PairOfWords y) { return *this = *this | y; }
};

}  // namespace apr::kernels::isa
