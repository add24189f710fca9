#pragma once
#include <cstddef>
#include <cstring>

#include "base/inline.h"
#include "kernels/activations.h"
#include "quant/all.h"

// Integer sums of weights' codes times activations, by the type's coding.
namespace apr::kernels::generic {

/// Asks for the lines of a tile that most products read: codes, scales, and the sums if mins need them. By force
/// inline: GCC deletes calls that only prefetch.
template <class Q>
APR_INLINE void fetch(const XTile* x) {
  constexpr size_t end = Q::coding != quant::Coding::Affine ? offsetof(XTile, sum)
                         : Q::group == 32                   ? offsetof(XTile, half_sum)
                                                            : offsetof(XTile, bias);
  for (size_t at = 0; at < end; at += 64) __builtin_prefetch(reinterpret_cast<const char*>(x) + at);
}

/// What a group's integer sum begins with, and what adds four columns to it, as the type's coding asks.
template <class Isa, class Q>
struct Dot {
  static constexpr bool has_signs = Q::coding == quant::Coding::Signed || Q::coding == quant::Coding::Levels;
  /// bias is -128 * (sum of the group's activations).
  APR_INLINE static typename Isa::I start(int32_t bias) {
    if constexpr (has_signs) return Isa::start_signed(bias);
    if constexpr (Q::coding == quant::Coding::Offset) return Isa::set_int(bias / 128 * Q::offset);
    return Isa::set_int(0);
  }
  APR_INLINE static auto prepare(typename Isa::Codes c) {
    if constexpr (has_signs) {
      return Isa::signed_codes(c);
    } else {
      return c;
    }
  }
  template <class Prepared>
  APR_INLINE static typename Isa::I add(typename Isa::I sum, Prepared w, const int8_t* x4) {
    int32_t four;
    std::memcpy(&four, x4, 4);
    if constexpr (has_signs) {
      return Isa::dot_signed(sum, w, Isa::repeat(four));
    } else {
      return Isa::dot_unsigned(sum, w, Isa::repeat(four));
    }
  }
};

}  // namespace apr::kernels::generic
