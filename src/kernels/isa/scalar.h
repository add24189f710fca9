#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/inline.h"
#include "kernels/isa/words.h"
#include "quant/iq4_nl.h"

namespace apr::kernels::isa {

/// The words that an instruction set offers to the algorithms in generic/, here in plain C++: the meaning of every
/// word. The other sets have the same words with the same results to the bit.
struct Scalar {
  static constexpr std::string_view name = "scalar";
  static constexpr int token_tile = 1;  ///< tokens whose sums stay in registers at once
  static constexpr int few_tokens = 1;  ///< tokens up to which weights go from words to products; a power of two
  static constexpr int float_rows = 1;  ///< rows of float weights whose sums with four tokens stay in registers
  static constexpr int row_tile = 2;    ///< query rows that attention works on at once
  static constexpr int sums = 4;        ///< sums, one F each, that stay in registers there

  struct F {  ///< 16 f32
    float v[16];
  };
  struct I {  ///< 16 int32
    int32_t v[16];
  };
  using Words = WideWords;
  struct Codes {  ///< 64 bytes: 16 lanes of 4 weight codes
    uint8_t v[64];
  };

  template <class Op>
  APR_INLINE static F each(Op op) {
    F r;
    for (int i = 0; i < 16; ++i) r.v[i] = op(i);
    return r;
  }
  APR_INLINE static F set(float x) {
    return each([&](int) { return x; });
  }
  APR_INLINE static F load(const float* p) {
    return each([&](int i) { return p[i]; });
  }
  APR_INLINE static F load_part(const float* p, int n) {
    return each([&](int i) { return i < n ? p[i] : 0.0f; });
  }
  /// The first n lanes of a, the others of `rest`.
  APR_INLINE static F keep(F a, int n, F rest) {
    return each([&](int i) { return i < n ? a.v[i] : rest.v[i]; });
  }
  APR_INLINE static void store(float* p, F a) { std::memcpy(p, a.v, sizeof a.v); }
  APR_INLINE static void store_part(float* p, F a, int n) { std::memcpy(p, a.v, sizeof(float) * size_t(n)); }
  APR_INLINE static F load_half(const std::byte* p) {
    return each([&](int i) { return quant::load_half(p + 2 * i); });
  }
  APR_INLINE static F load_bfloat(const std::byte* p) {
    return each([&](int i) { return quant::bfloat_to_float(quant::load_u16(p + 2 * i)); });
  }
  APR_INLINE static void store_half(std::byte* p, F a) {
    for (int i = 0; i < 16; ++i) {
      uint16_t h = quant::float_to_half(a.v[i]);
      std::memcpy(p + 2 * i, &h, 2);
    }
  }
  APR_INLINE static F add(F a, F b) {
    return each([&](int i) { return a.v[i] + b.v[i]; });
  }
  APR_INLINE static F sub(F a, F b) {
    return each([&](int i) { return a.v[i] - b.v[i]; });
  }
  APR_INLINE static F mul(F a, F b) {
    return each([&](int i) { return a.v[i] * b.v[i]; });
  }
  APR_INLINE static F div(F a, F b) {
    return each([&](int i) { return a.v[i] / b.v[i]; });
  }
  APR_INLINE static F fma(F a, F b, F c) {
    return each([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
  }
  /// The second operand where they are unordered, as x86's maxps and minps.
  APR_INLINE static F max(F a, F b) {
    return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  APR_INLINE static F min(F a, F b) {
    return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  APR_INLINE static F abs(F a) {
    return each([&](int i) { return std::bit_cast<float>(std::bit_cast<uint32_t>(a.v[i]) & 0x7fffffffu); });
  }
  APR_INLINE static float sum(F a) {
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) a.v[i] += a.v[i + half];
    }
    return a.v[0];
  }
  APR_INLINE static float largest(F a) {
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
    }
    return a.v[0];
  }

  APR_INLINE static F to_float(I a) {
    return each([&](int i) { return float(a.v[i]); });
  }
  APR_INLINE static I bits(F a) { return std::bit_cast<I>(a); }
  APR_INLINE static F from_bits(I a) { return std::bit_cast<F>(a); }
  APR_INLINE static I set_int(int32_t x) {
    I r;
    for (int i = 0; i < 16; ++i) r.v[i] = x;
    return r;
  }
  APR_INLINE static I add_int(I a, I b) {
    I r;
    for (int i = 0; i < 16; ++i) r.v[i] = int32_t(uint32_t(a.v[i]) + uint32_t(b.v[i]));
    return r;
  }
  APR_INLINE static I shift_left_23(I a) {
    I r;
    for (int i = 0; i < 16; ++i) r.v[i] = int32_t(uint32_t(a.v[i]) << 23);
    return r;
  }
  /// The lowest byte of each lane.
  APR_INLINE static void store_bytes(int8_t* p, I a) {
    for (int i = 0; i < 16; ++i) p[i] = int8_t(uint32_t(a.v[i]) & 0xff);
  }

  APR_INLINE static Codes load_codes(const uint8_t* p) {
    Codes c;
    std::memcpy(c.v, p, 64);
    return c;
  }
  APR_INLINE static void store_codes(uint8_t* p, Codes c) { std::memcpy(p, c.v, 64); }
  /// Sixteen words as codes and as numbers.
  APR_INLINE static Codes codes(const Words& w) { return std::bit_cast<Codes>(w); }
  APR_INLINE static I ints(const Words& w) { return std::bit_cast<I>(w); }
  /// The IQ4 levels that codes 0 … 15 stand for.
  APR_INLINE static Codes levels(Codes c) {
    for (uint8_t& code : c.v) code = uint8_t(quant::kIq4Levels[code & 15]);
    return c;
  }
  /// The four bytes in every lane.
  APR_INLINE static Codes repeat(int32_t x4) {
    Codes c;
    for (int i = 0; i < 64; i += 4) std::memcpy(c.v + i, &x4, 4);
    return c;
  }
  /// acc[lane] += the four products of the lane's unsigned codes (at most 127) with its four signed activations.
  APR_INLINE static I dot_unsigned(I acc, Codes w, Codes x) {
    for (int i = 0; i < 64; ++i) acc.v[i / 4] += int32_t(w.v[i]) * int8_t(x.v[i]);
    return acc;
  }
  /// For signed codes, -128 … 127: codes go through signed_codes once, and start_signed(bias of the activations) is
  /// added once to each sum of lanes that makes a group.
  using SignedCodes = Codes;
  APR_INLINE static SignedCodes signed_codes(Codes c) { return c; }
  APR_INLINE static I start_signed(int32_t) { return set_int(0); }
  APR_INLINE static I dot_signed(I acc, SignedCodes w, Codes x) {
    for (int i = 0; i < 64; ++i) acc.v[i / 4] += int32_t(int8_t(w.v[i])) * int8_t(x.v[i]);
    return acc;
  }
  APR_INLINE static I load_words(const void* p) {
    I r;
    std::memcpy(r.v, p, 64);
    return r;
  }
  /// 32 signed bytes as 16 lanes of two int16.
  APR_INLINE static I load_pairs(const std::byte* p) {
    I r;
    for (int i = 0; i < 16; ++i)
      r.v[i] = int32_t(uint32_t(uint16_t(int8_t(p[2 * i]))) | uint32_t(uint16_t(int8_t(p[2 * i + 1]))) << 16);
    return r;
  }
  /// acc[lane] += the two products of int16.
  APR_INLINE static I dot_pairs(I acc, I a, I b) {
    for (int i = 0; i < 16; ++i) {
      const int32_t low = int32_t(int16_t(a.v[i])) * int16_t(b.v[i]);
      const int32_t high = int32_t(int16_t(a.v[i] >> 16)) * int16_t(b.v[i] >> 16);
      acc.v[i] = int32_t(uint32_t(acc.v[i]) + uint32_t(low) + uint32_t(high));  // lanes of no key hold anything
    }
    return acc;
  }
  /// The lower half of each lane.
  APR_INLINE static void store_words(int16_t* p, I a) {
    for (int i = 0; i < 16; ++i) p[i] = int16_t(a.v[i]);
  }
  /// Byte k of each lane, as a number.
  APR_INLINE static I unsigned_byte(I a, int k) {
    I r;
    for (int i = 0; i < 16; ++i) r.v[i] = int32_t(uint32_t(a.v[i]) >> (8 * k) & 0xff);
    return r;
  }
  APR_INLINE static I signed_byte(I a, int k) {
    I r;
    for (int i = 0; i < 16; ++i) r.v[i] = int8_t(uint32_t(a.v[i]) >> (8 * k) & 0xff);
    return r;
  }
  /// Half k (low, high) of each lane, as a half-precision float.
  APR_INLINE static F half_of(I a, int k) {
    return each([&](int i) { return quant::half_to_float(uint16_t(uint32_t(a.v[i]) >> (16 * k))); });
  }

  /// 16 x 16 words of 4 bytes: dst[j][i] = src[i][j], rows of src `stride` bytes apart, rows of dst 64.
  APR_INLINE static void transpose(const void* src, size_t stride, void* dst) {
    for (size_t i = 0; i < 16; ++i) {
      for (size_t j = 0; j < 16; ++j) {
        std::memcpy(static_cast<char*>(dst) + 64 * j + 4 * i, static_cast<const char*>(src) + stride * i + 4 * j, 4);
      }
    }
  }
};

}  // namespace apr::kernels::isa
