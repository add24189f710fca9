#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/inline.h"

namespace apr::quant {

// IEEE 754 binary16 and bfloat16 <-> binary32, in integer and float steps that every CPU does alike.

APR_INLINE float half_to_float(uint16_t h) {
  uint32_t magnitude = uint32_t(h & 0x7fff) << 13;
  float f = std::bit_cast<float>(magnitude) *
            0x1p112f;  // moves the exponent's bias from 15 to 127; subnormals come out right too
  uint32_t bits = std::bit_cast<uint32_t>(f);
  bits |= magnitude >= 0x0f800000u ? 0x7f800000u : 0u;  // infinity and NaN
  return std::bit_cast<float>(bits | uint32_t(h & 0x8000) << 16);
}

/// To nearest, ties to even; too large becomes infinity; NaN stays NaN.
APR_INLINE uint16_t float_to_half(float f) {
  uint32_t bits = std::bit_cast<uint32_t>(f), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff, out;
  if (magnitude >= 0x47800000u) {  // 2^16 and more
    out = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  } else if (magnitude < 0x38800000u) {  // below 2^-14: adding 0.5 lets the adder round to a multiple of 2^-24
    out = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  } else {
    out = (magnitude + 0xc8000fffu + (magnitude >> 13 & 1)) >> 13;
  }
  return uint16_t(sign | out);
}

APR_INLINE float bfloat_to_float(uint16_t b) { return std::bit_cast<float>(uint32_t(b) << 16); }

APR_INLINE uint16_t load_u16(const std::byte* p) {
  uint16_t v;
  std::memcpy(&v, p, 2);
  return v;
}
APR_INLINE float load_half(const std::byte* p) { return half_to_float(load_u16(p)); }

}  // namespace apr::quant
