#pragma once
#include "kernels/isa/avx512.h"

namespace apr::kernels::isa {

/// AVX-512 and the matrix unit of AMX-INT8 (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1,
/// chapter 18): eight tiles of up to 16 rows of 64 bytes.
struct Amx : Avx512 {
  static constexpr std::string_view name = "amx";
  static constexpr int few_tokens = 8;

  APR_INLINE static I load_ints(const int32_t* p) { return _mm512_load_si512(p); }
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

    /// Sum C, of 16 tokens and 16 lanes: of a group's codes[lane] * x[token]. needs: tokens 32 bytes apart.
    /// In assembly, because the compilers' intrinsics do not say that they read and write memory.
    template <int C>
    APR_INLINE static void multiply(const uint8_t* codes, const int8_t* x) {
      asm volatile(
          "tilezero %%tmm%c[sum]\n\t"
          "tileloadd (%[x],%[x_stride],1), %%tmm%c[a]\n\t"
          "tileloadd (%[codes],%[stride],1), %%tmm%c[b]\n\t"
          "tdpbssd %%tmm%c[b], %%tmm%c[a], %%tmm%c[sum]" ::[sum] "i"(C),
          [a] "i"(4 + C % 2), [b] "i"(6 + C % 2), [x] "r"(x), [x_stride] "r"(size_t(32)), [codes] "r"(codes),
          [stride] "r"(size_t(64)), "m"(bytes<64 * 8>(codes)), "m"(bytes<32 * 16>(x)));
    }
    template <int C>
    APR_INLINE static void store(int32_t* to) {
      using Tile = int32_t[16][16];
      Tile& written = *reinterpret_cast<Tile*>(to);
      asm volatile("tilestored %%tmm%c[sum], (%[to],%[stride],1)"
                   : "=m"(written)
                   : [sum] "i"(C), [to] "r"(to), [stride] "r"(size_t(64)));
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
