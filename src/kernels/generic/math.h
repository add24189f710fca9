#pragma once
#include <cstdint>

#include "base/inline.h"

namespace apr::kernels::generic {

/// Adding it rounds |x| < 2^22 to the nearest integer (ties to even), which then stands in the low bits of the sum.
inline constexpr float kRoundMagic = 12582912.0f;  // 1.5 * 2^23

/// e^x, relative error below 2^-23; x is held to [-87, 88], so the result is never zero, infinite or subnormal. NaN
/// gives NaN.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor series to r^7, whose next term is below 2^-27; 2^n through
/// the exponent bits. ln 2 is split in two so that n * high part is exact (Cody and Waite, 1980).
template <class Isa>
APR_INLINE typename Isa::F exp(typename Isa::F x) {
  using F = typename Isa::F;
  x = Isa::min(Isa::set(88.0f), Isa::max(Isa::set(-87.0f), x));  // of a NaN: the NaN, as the second operand
  F shifted = Isa::fma(x, Isa::set(1.44269504f), Isa::set(kRoundMagic));
  F n = Isa::sub(shifted, Isa::set(kRoundMagic));
  F r = Isa::fma(n, Isa::set(-0.693145751953125f), x);
  r = Isa::fma(n, Isa::set(-1.42860682e-6f), r);
  F p = Isa::set(1.0f / 5040);
  p = Isa::fma(p, r, Isa::set(1.0f / 720));
  p = Isa::fma(p, r, Isa::set(1.0f / 120));
  p = Isa::fma(p, r, Isa::set(1.0f / 24));
  p = Isa::fma(p, r, Isa::set(1.0f / 6));
  p = Isa::fma(p, r, Isa::set(0.5f));
  p = Isa::fma(p, r, Isa::set(1.0f));
  p = Isa::fma(p, r, Isa::set(1.0f));
  F power = Isa::from_bits(Isa::add_int(Isa::shift_left_23(Isa::bits(shifted)), Isa::set_int(0x3f800000)));
  return Isa::mul(p, power);
}

}  // namespace apr::kernels::generic
