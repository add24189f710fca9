#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/inline.h"
#include "kernels/isa/words.h"
#include "quant/iq4_nl.h"

namespace apr::kernels::isa {

/// The words of scalar.h on AVX2, FMA and F16C: 16 lanes are two registers.
struct Avx2 {
  static constexpr std::string_view name = "avx2";
  static constexpr int token_tile = 2;
  static constexpr int few_tokens = 2;
  static constexpr int float_rows = 1;
  static constexpr int row_tile = 4;
  static constexpr int sums = 4;

  struct F {
    __m256 a, b;
  };
  struct I {
    __m256i a, b;
  };
  using Words = PairOfWords;
  using Codes = I;
  struct SignedCodes {  // maddubs wants one unsigned operand: |w| there, and w's sign moved to x
    I magnitude, value;
  };

  APR_INLINE static F set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  APR_INLINE static F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  APR_INLINE static __m256i part_mask(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  APR_INLINE static F load_part(const float* p, int n) {
    return {_mm256_maskload_ps(p, part_mask(n)), _mm256_maskload_ps(n > 8 ? p + 8 : p, part_mask(n - 8))};
  }
  APR_INLINE static void store(float* p, F x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
  }
  APR_INLINE static void store_part(float* p, F x, int n) {
    _mm256_maskstore_ps(p, part_mask(n), x.a);
    _mm256_maskstore_ps(n > 8 ? p + 8 : p, part_mask(n - 8), x.b);
  }
  APR_INLINE static __m128i load16(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
  APR_INLINE static F load_half(const std::byte* p) {
    return {_mm256_cvtph_ps(load16(p)), _mm256_cvtph_ps(load16(p + 16))};
  }
  APR_INLINE static __m256 widen_bfloat(__m128i h) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
  }
  APR_INLINE static F load_bfloat(const std::byte* p) {
    return {widen_bfloat(load16(p)), widen_bfloat(load16(p + 16))};
  }
  APR_INLINE static F keep(F x, int n, F rest) {
    return {_mm256_blendv_ps(rest.a, x.a, _mm256_castsi256_ps(part_mask(n))),
            _mm256_blendv_ps(rest.b, x.b, _mm256_castsi256_ps(part_mask(n - 8)))};
  }
  APR_INLINE static void store_half(std::byte* p, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 16),
                     _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  APR_INLINE static F add(F x, F y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
  APR_INLINE static F sub(F x, F y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
  APR_INLINE static F mul(F x, F y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
  APR_INLINE static F div(F x, F y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
  APR_INLINE static F fma(F x, F y, F z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
  APR_INLINE static F max(F x, F y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
  APR_INLINE static F min(F x, F y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
  APR_INLINE static F abs(F x) {
    __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    return {_mm256_and_ps(x.a, mask), _mm256_and_ps(x.b, mask)};
  }
  APR_INLINE static float sum(F x) {
    __m256 s8 = _mm256_add_ps(x.a, x.b);
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
  }
  APR_INLINE static float largest(F x) {
    __m256 m8 = _mm256_max_ps(x.a, x.b);
    __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
    __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
    return _mm_cvtss_f32(_mm_max_ss(m2, _mm_movehdup_ps(m2)));
  }

  APR_INLINE static F to_float(I x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
  APR_INLINE static I bits(F x) { return {_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)}; }
  APR_INLINE static F from_bits(I x) { return {_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)}; }
  APR_INLINE static I set_int(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
  APR_INLINE static I add_int(I x, I y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
  APR_INLINE static I shift_left_23(I x) { return {_mm256_slli_epi32(x.a, 23), _mm256_slli_epi32(x.b, 23)}; }
  APR_INLINE static void store_bytes(int8_t* p, I x) {
    __m256i mask = _mm256_set1_epi32(0xff);  // so that the saturating packs keep the low byte as it is
    __m256i words = _mm256_packus_epi32(_mm256_and_si256(x.a, mask), _mm256_and_si256(x.b, mask));
    words = _mm256_permute4x64_epi64(words, 0xd8);
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  }

  APR_INLINE static Codes load_codes(const uint8_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
  }
  // Pairs of products stay within 16 bits: unsigned codes are at most 127, |signed| at most 128, and |x| at most 127.
  APR_INLINE static __m256i dot(__m256i acc, __m256i w, __m256i x) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1)));
  }
  APR_INLINE static void store_codes(uint8_t* p, Codes c) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), c.a);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), c.b);
  }
  APR_INLINE static Codes codes(Words w) { return {__m256i(w.a), __m256i(w.b)}; }
  APR_INLINE static I ints(Words w) { return codes(w); }
  APR_INLINE static Codes levels(Codes c) {
    const __m256i table = _mm256_broadcastsi128_si256(load16(quant::kIq4Levels));
    return {_mm256_shuffle_epi8(table, c.a), _mm256_shuffle_epi8(table, c.b)};
  }
  APR_INLINE static Codes repeat(int32_t x4) { return set_int(x4); }
  APR_INLINE static I dot_unsigned(I acc, Codes w, Codes x) { return {dot(acc.a, w.a, x.a), dot(acc.b, w.b, x.b)}; }
  APR_INLINE static SignedCodes signed_codes(Codes c) { return {{_mm256_abs_epi8(c.a), _mm256_abs_epi8(c.b)}, c}; }
  APR_INLINE static I start_signed(int32_t) { return set_int(0); }
  APR_INLINE static I dot_signed(I acc, SignedCodes w, Codes x) {
    return {dot(acc.a, w.magnitude.a, _mm256_sign_epi8(x.a, w.value.a)),
            dot(acc.b, w.magnitude.b, _mm256_sign_epi8(x.b, w.value.b))};
  }
  APR_INLINE static I load_words(const void* p) { return load_codes(static_cast<const uint8_t*>(p)); }
  APR_INLINE static I load_pairs(const std::byte* p) {
    return {_mm256_cvtepi8_epi16(load16(p)), _mm256_cvtepi8_epi16(load16(p + 16))};
  }
  APR_INLINE static I dot_pairs(I acc, I x, I y) {
    return {_mm256_add_epi32(acc.a, _mm256_madd_epi16(x.a, y.a)), _mm256_add_epi32(acc.b, _mm256_madd_epi16(x.b, y.b))};
  }
  /// The lower half of each lane; masked, so that the saturating pack keeps it as it is.
  APR_INLINE static __m256i low_halves(I x) {
    const __m256i mask = _mm256_set1_epi32(0xffff);
    return _mm256_permute4x64_epi64(_mm256_packus_epi32(_mm256_and_si256(x.a, mask), _mm256_and_si256(x.b, mask)),
                                    0xd8);
  }
  APR_INLINE static void store_words(int16_t* p, I x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), low_halves(x));
  }
  APR_INLINE static I unsigned_byte(I x, int k) {
    __m256i mask = _mm256_set1_epi32(0xff);
    return {_mm256_and_si256(_mm256_srli_epi32(x.a, 8 * k), mask),
            _mm256_and_si256(_mm256_srli_epi32(x.b, 8 * k), mask)};
  }
  APR_INLINE static I signed_byte(I x, int k) {
    return {_mm256_srai_epi32(_mm256_slli_epi32(x.a, 24 - 8 * k), 24),
            _mm256_srai_epi32(_mm256_slli_epi32(x.b, 24 - 8 * k), 24)};
  }
  APR_INLINE static F half_of(I x, int k) {
    const __m256i halves = low_halves({_mm256_srli_epi32(x.a, 16 * k), _mm256_srli_epi32(x.b, 16 * k)});
    return {_mm256_cvtph_ps(_mm256_castsi256_si128(halves)), _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1))};
  }

  /// 8 x 8 words.
  APR_INLINE static void transpose8(const char* src, size_t stride, char* dst) {
    __m256 r[8], s[8];
    for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(reinterpret_cast<const float*>(src + stride * size_t(i)));
    for (int i = 0; i < 4; ++i) {
      s[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
      s[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 2; ++j) {
        r[4 * i + 2 * j] = _mm256_shuffle_ps(s[4 * i + j], s[4 * i + 2 + j], 0x44);
        r[4 * i + 2 * j + 1] = _mm256_shuffle_ps(s[4 * i + j], s[4 * i + 2 + j], 0xee);
      }
    }
    for (int j = 0; j < 4; ++j) {
      _mm256_storeu_ps(reinterpret_cast<float*>(dst + 64 * j), _mm256_permute2f128_ps(r[j], r[4 + j], 0x20));
      _mm256_storeu_ps(reinterpret_cast<float*>(dst + 64 * (j + 4)), _mm256_permute2f128_ps(r[j], r[4 + j], 0x31));
    }
  }
  APR_INLINE static void transpose(const void* src, size_t stride, void* dst) {
    const char* s = static_cast<const char*>(src);
    char* d = static_cast<char*>(dst);
    for (size_t i = 0; i < 2; ++i) {
      for (size_t j = 0; j < 2; ++j) transpose8(s + 8 * stride * i + 32 * j, stride, d + 8 * 64 * j + 32 * i);
    }
  }
};

}  // namespace apr::kernels::isa
