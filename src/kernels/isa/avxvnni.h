#pragma once
#include "kernels/isa/avx2.h"

namespace apr::kernels::isa {

/// AVX2 with AVX-VNNI, as CPUs without AVX-512 have it (Intel's from Alder Lake on): integer products and their sums
/// are one instruction, where AVX2 takes three.
struct AvxVnni : Avx2 {
  static constexpr std::string_view name = "avxvnni";
  using SignedCodes = I;

  APR_INLINE static I dot_unsigned(I acc, Codes w, Codes x) {
    return {_mm256_dpbusd_avx_epi32(acc.a, w.a, x.a), _mm256_dpbusd_avx_epi32(acc.b, w.b, x.b)};
  }
  // vpdpbusd wants unsigned weights: shifted up by 128, which adds 128 * (sum of x); the bias is minus that.
  APR_INLINE static SignedCodes signed_codes(Codes c) {
    const __m256i top = _mm256_set1_epi8(char(0x80));
    return {_mm256_xor_si256(c.a, top), _mm256_xor_si256(c.b, top)};
  }
  APR_INLINE static I start_signed(int32_t bias) { return set_int(bias); }
  APR_INLINE static I dot_signed(I acc, SignedCodes w, Codes x) { return dot_unsigned(acc, w, x); }
  APR_INLINE static I dot_pairs(I acc, I x, I y) {
    return {_mm256_dpwssd_avx_epi32(acc.a, x.a, y.a), _mm256_dpwssd_avx_epi32(acc.b, x.b, y.b)};
  }
};

}  // namespace apr::kernels::isa
