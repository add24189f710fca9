#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/inline.h"
#include "kernels/isa/words.h"
#include "quant/iq4_nl.h"

namespace apr::kernels::isa {

/// The words of scalar.h on AVX-512 (F, BW, DQ, VL) with VNNI: 16 lanes are one register.
struct Avx512 {
  static constexpr std::string_view name = "avx512";
  static constexpr int token_tile = 8;
  static constexpr int few_tokens = 8;
  static constexpr int float_rows = 4;
  static constexpr int row_tile = 8;
  static constexpr int sums = 16;

  using F = __m512;
  using I = __m512i;
  using Words = WideWords;
  using Codes = __m512i;
  using SignedCodes = __m512i;

  APR_INLINE static F set(float x) { return _mm512_set1_ps(x); }
  APR_INLINE static F load(const float* p) { return _mm512_loadu_ps(p); }
  APR_INLINE static __mmask16 part_mask(int n) { return __mmask16((1u << n) - 1); }
  APR_INLINE static F load_part(const float* p, int n) { return _mm512_maskz_loadu_ps(part_mask(n), p); }
  APR_INLINE static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  APR_INLINE static void store_part(float* p, F x, int n) { _mm512_mask_storeu_ps(p, part_mask(n), x); }
  APR_INLINE static __m256i load32(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  APR_INLINE static F load_half(const std::byte* p) { return _mm512_cvtph_ps(load32(p)); }
  APR_INLINE static F load_bfloat(const std::byte* p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load32(p)), 16));
  }
  APR_INLINE static F keep(F x, int n, F rest) { return _mm512_mask_mov_ps(rest, part_mask(n), x); }
  APR_INLINE static void store_half(std::byte* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  APR_INLINE static F add(F x, F y) { return _mm512_add_ps(x, y); }
  APR_INLINE static F sub(F x, F y) { return _mm512_sub_ps(x, y); }
  APR_INLINE static F mul(F x, F y) { return _mm512_mul_ps(x, y); }
  APR_INLINE static F div(F x, F y) { return _mm512_div_ps(x, y); }
  APR_INLINE static F fma(F x, F y, F z) { return _mm512_fmadd_ps(x, y, z); }
  APR_INLINE static F max(F x, F y) { return _mm512_max_ps(x, y); }
  APR_INLINE static F min(F x, F y) { return _mm512_min_ps(x, y); }
  APR_INLINE static F abs(F x) {
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff)));
  }
  APR_INLINE static float sum(F x) {
    __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
  }
  APR_INLINE static float largest(F x) {
    __m256 m8 = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
    __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
    return _mm_cvtss_f32(_mm_max_ss(m2, _mm_movehdup_ps(m2)));
  }

  APR_INLINE static F to_float(I x) { return _mm512_cvtepi32_ps(x); }
  APR_INLINE static I bits(F x) { return _mm512_castps_si512(x); }
  APR_INLINE static F from_bits(I x) { return _mm512_castsi512_ps(x); }
  APR_INLINE static I set_int(int32_t x) { return _mm512_set1_epi32(x); }
  APR_INLINE static I add_int(I x, I y) { return _mm512_add_epi32(x, y); }
  APR_INLINE static I shift_left_23(I x) { return _mm512_slli_epi32(x, 23); }
  APR_INLINE static void store_bytes(int8_t* p, I x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(x));
  }

  APR_INLINE static Codes load_codes(const uint8_t* p) { return _mm512_loadu_si512(p); }
  APR_INLINE static void store_codes(uint8_t* p, Codes c) { _mm512_storeu_si512(p, c); }
  APR_INLINE static Codes codes(Words w) { return Codes(w); }
  APR_INLINE static I ints(Words w) { return I(w); }
  APR_INLINE static Codes levels(Codes c) {
    return _mm512_shuffle_epi8(
        _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(quant::kIq4Levels))), c);
  }
  APR_INLINE static Codes repeat(int32_t x4) { return _mm512_set1_epi32(x4); }
  APR_INLINE static I dot_unsigned(I acc, Codes w, Codes x) { return _mm512_dpbusd_epi32(acc, w, x); }
  // vpdpbusd wants unsigned weights: shifted up by 128, which adds 128 * (sum of x); the bias is minus that.
  APR_INLINE static SignedCodes signed_codes(Codes c) { return _mm512_xor_si512(c, _mm512_set1_epi8(char(0x80))); }
  APR_INLINE static I start_signed(int32_t bias) { return _mm512_set1_epi32(bias); }
  APR_INLINE static I dot_signed(I acc, SignedCodes w, Codes x) { return dot_unsigned(acc, w, x); }

  /// 4 x 4 quarters of 128 bits: out[j] holds quarter j of a, b, c and d.
  APR_INLINE static void transpose_quarters(I a, I b, I c, I d, I& out0, I& out1, I& out2, I& out3) {
    I ab02 = _mm512_shuffle_i32x4(a, b, 0x88), ab13 = _mm512_shuffle_i32x4(a, b, 0xdd);
    I cd02 = _mm512_shuffle_i32x4(c, d, 0x88), cd13 = _mm512_shuffle_i32x4(c, d, 0xdd);
    out0 = _mm512_shuffle_i32x4(ab02, cd02, 0x88);
    out1 = _mm512_shuffle_i32x4(ab13, cd13, 0x88);
    out2 = _mm512_shuffle_i32x4(ab02, cd02, 0xdd);
    out3 = _mm512_shuffle_i32x4(ab13, cd13, 0xdd);
  }
  APR_INLINE static I load_words(const void* p) { return _mm512_loadu_si512(p); }
  APR_INLINE static I load_pairs(const std::byte* p) { return _mm512_cvtepi8_epi16(load32(p)); }
  // In assembly, because GCC 12 copies every accumulator to and fro around the intrinsic in attention's loops.
  APR_INLINE static I dot_pairs(I acc, I x, I y) {
    asm("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(y));
    return acc;
  }
  APR_INLINE static void store_words(int16_t* p, I x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(x));
  }
  APR_INLINE static I unsigned_byte(I x, int k) {
    return _mm512_and_si512(_mm512_srli_epi32(x, unsigned(8 * k)), _mm512_set1_epi32(0xff));
  }
  APR_INLINE static I signed_byte(I x, int k) {
    return _mm512_srai_epi32(_mm512_slli_epi32(x, unsigned(24 - 8 * k)), 24);
  }
  APR_INLINE static F half_of(I x, int k) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(x, unsigned(16 * k))));
  }

  APR_INLINE static void transpose(const void* src, size_t stride, void* dst) {
    const char* s = static_cast<const char*>(src);
    __m512i r[16], t[16];
    for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_si512(s + stride * size_t(i));
    for (int i = 0; i < 8; ++i) {  // pairs of rows: words
      t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
      t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 4; ++i) {  // fours of rows: pairs of words. r[4 i + c] holds columns c, c + 4, c + 8, c + 12 of
                                   // rows 4 i … 4 i + 3
      for (int c = 0; c < 2; ++c) {
        r[4 * i + 2 * c] = _mm512_unpacklo_epi64(t[4 * i + c], t[4 * i + 2 + c]);
        r[4 * i + 2 * c + 1] = _mm512_unpackhi_epi64(t[4 * i + c], t[4 * i + 2 + c]);
      }
    }
    for (int c = 0; c < 4; ++c) {
      I out[4];
      transpose_quarters(r[c], r[4 + c], r[8 + c], r[12 + c], out[0], out[1], out[2], out[3]);
      for (int i = 0; i < 4; ++i) _mm512_storeu_si512(static_cast<char*>(dst) + 64 * (4 * i + c), out[i]);
    }
  }
};

}  // namespace apr::kernels::isa
