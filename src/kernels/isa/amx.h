#pragma once
#include "kernels/isa/avx512.h"

namespace apr::kernels::isa {

/// AVX-512 and the matrix unit of AMX-INT8 (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1,
/// chapter 18): eight tiles of up to 16 rows of 64 bytes.
struct Amx : Avx512 {
  static constexpr std::string_view name = "amx";

  APR_INLINE static Codes subtract_bytes(Codes c, int x) { return _mm512_sub_epi8(c, _mm512_set1_epi8(char(x))); }

  /// Tiles 0 to 3 are sums, 4 and 5 activations, 6 and 7 codes.
  struct MatrixUnit {
    static constexpr int sums = 4;

    /// While it lives, this thread's tiles have the shapes for groups of `group` columns.
    explicit MatrixUnit(int group) {
      struct alignas(64) {
        uint8_t palette = 1, start_row = 0, reserved[14] = {};
        uint16_t row_bytes[16] = {};
        uint8_t rows[16] = {};
      } shapes;
      for (int i = 0; i < 8; ++i) {
        shapes.rows[i] = uint8_t(i < 6 ? 16 : group / 4);
        shapes.row_bytes[i] = uint16_t(i == 4 || i == 5 ? group : 64);
      }
      asm volatile("ldtilecfg %0" ::"m"(shapes));
    }
    ~MatrixUnit() { asm volatile("tilerelease"); }
    MatrixUnit(const MatrixUnit&) = delete;
    MatrixUnit& operator=(const MatrixUnit&) = delete;

    /// Sum C, of 16 tokens and 16 lanes: of the codes[lane] * x[token] of `group` columns, for which the unit was set
    /// up. needs: tokens 32 bytes apart
    /// In assembly, because the compilers' intrinsics do not say that they read and write memory.
    template <int C, int group>
    APR_INLINE static void multiply(const uint8_t* codes, const int8_t* x) {
      asm volatile(
          "tilezero %%tmm%c[sum]\n\t"
          "tileloadd (%[x],%[x_stride],1), %%tmm%c[a]\n\t"
          "tileloadd (%[codes],%[stride],1), %%tmm%c[b]\n\t"
          "tdpbssd %%tmm%c[b], %%tmm%c[a], %%tmm%c[sum]" ::[sum] "i"(C),
          [a] "i"(4 + C % 2), [b] "i"(6 + C % 2), [x] "r"(x), [x_stride] "r"(size_t(32)), [codes] "r"(codes),
          [stride] "r"(size_t(64)), "m"(bytes<16 * group>(codes)), "m"(bytes<32 * 15 + group>(x)));
    }
    template <int C>
    APR_INLINE static void store(int32_t* to) {
      using Tile = int32_t[16][16];
      Tile& written = *reinterpret_cast<Tile*>(to);
      asm volatile("tilestored %%tmm%c[sum], (%[to],%[stride],1)"
                   : "=m"(written)
                   : [sum] "i"(C), [to] "r"(to), [stride] "r"(size_t(64)));
    }

    /// What the unit does at best, for measuring it: two groups of 64 columns of codes, one after the other, times two
    /// of 16 tokens (the second 512 bytes on), added up in all four sums. needs: set up for 64 columns
    APR_INLINE static void multiply_square(const uint8_t* codes, const int8_t* x) {
      asm volatile(
          "tileloadd (%[x],%[x_stride],1), %%tmm4\n\t"
          "tileloadd 512(%[x],%[x_stride],1), %%tmm5\n\t"
          "tileloadd (%[codes],%[stride],1), %%tmm6\n\t"
          "tileloadd 1024(%[codes],%[stride],1), %%tmm7\n\t"
          "tdpbssd %%tmm6, %%tmm4, %%tmm0\n\t"
          "tdpbssd %%tmm7, %%tmm4, %%tmm1\n\t"
          "tdpbssd %%tmm6, %%tmm5, %%tmm2\n\t"
          "tdpbssd %%tmm7, %%tmm5, %%tmm3" ::[x] "r"(x),
          [x_stride] "r"(size_t(32)), [codes] "r"(codes), [stride] "r"(size_t(64)), "m"(bytes<2048>(codes)),
          "m"(bytes<512 + 32 * 15 + 64>(x)));
    }

   private:
    /// What an instruction reads or writes, for the compiler to know.
    template <int N>
    struct Bytes {
      char b[N];
    };
    template <int N>
    APR_INLINE static const Bytes<N>& bytes(const void* p) {
      return *static_cast<const Bytes<N>*>(p);
    }
  };
};

}  // namespace apr::kernels::isa
