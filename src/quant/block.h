#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/inline.h"
#include "quant/half.h"
#include "quant/types.h"

namespace apr::quant {

// The one form that every quantised type is unpacked to, exactly:
//
//   weight[i] = scale[i / group] * code[i] - min[i / group]
//
// affine types     code is unsigned, 0 … 127
// symmetric types  code is signed, -128 … 127 (two's complement in the byte), and min is 0
//
// A type is a struct with
//   info       its row of the table in types.h
//   group      elements that share a scale: 16 or 32
//   affine     which of the two forms
//   codes()    one block -> its codes, 32 at a time
//   scales()   one block -> its scales and mins. Types with blocks of 32 have one half of each. Types with blocks of
//   256 have a half d,
//              a half dmin and a byte per group: scale = d * byte (signed if symmetric), min = dmin * byte
//
// Codes are written as operations on 32 bytes at once (a vector extension of GCC and Clang, no instruction set named),
// so each instruction set's translation unit gets them in its own registers.

/// 32 bytes, added, shifted and masked element by element.
typedef uint8_t Bytes32 __attribute__((vector_size(32)));

APR_INLINE void load(Bytes32& to, const std::byte* from) { std::memcpy(&to, from, 32); }

/// 16 bytes of nibbles: element i low, i + 16 high. This is how the types with blocks of 32 keep their codes.
APR_INLINE void load_nibbles(Bytes32& to, const std::byte* from) {
  uint64_t a, b;
  std::memcpy(&a, from, 8);
  std::memcpy(&b, from + 8, 8);
  constexpr uint64_t low = 0x0f0f0f0f0f0f0f0f;
  const uint64_t parts[4] = {a & low, b & low, a >> 4 & low, b >> 4 & low};
  std::memcpy(&to, parts, 32);
}

/// The scale (and min) of a block of 32.
struct HalfScales {
  uint16_t scale, min;  ///< IEEE halves
};

/// The scales (and mins) of a block of 256: up to 16 groups.
struct ByteScales {
  uint16_t d, dmin;  ///< IEEE halves
  uint8_t scale[16], min[16];
};

/// Eight 6-bit scales and eight 6-bit mins in twelve bytes (Q4_K, Q5_K). Bytes 0-3 hold scales 0-3 and 4-7 mins 0-3 in
/// their low six bits; bytes 8-11 hold the low nibbles of scales (low half) and mins (high half) 4-7, whose upper two
/// bits are those left in bytes 0-7.
APR_INLINE void unpack_6bit_scales(const std::byte* packed, ByteScales& out) {
  uint32_t a, b, c;
  std::memcpy(&a, packed, 4);
  std::memcpy(&b, packed + 4, 4);
  std::memcpy(&c, packed + 8, 4);
  const uint64_t low_scales = a & 0x3f3f3f3f, high_scales = (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030);
  const uint64_t low_mins = b & 0x3f3f3f3f, high_mins = (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030);
  const uint64_t scales = low_scales | high_scales << 32, mins = low_mins | high_mins << 32;
  std::memcpy(out.scale, &scales, 8);
  std::memcpy(out.min, &mins, 8);
}

APR_INLINE const uint8_t* bytes_at(const std::byte* block, size_t offset) {
  return reinterpret_cast<const uint8_t*>(block) + offset;
}

}  // namespace apr::quant
