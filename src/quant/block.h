#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/inline.h"
#include "quant/half.h"
#include "quant/types.h"

namespace apr::quant {

// The one form that every quantised type is unpacked to:
//
//   weight[i] = scale[i / group] * code[i] - min[i / group]
//
// affine types     code is unsigned, 0 … 127, and min is written
// symmetric types  code is signed, -128 … 127 (two's complement in the byte), and there is no min
//
// A type is a struct with
//   info        its row of the table in types.h
//   group       elements that share a scale: 16 or 32
//   affine      which of the two forms
//   unpack()    one block -> block_len codes, block_len / group scales and, if affine, as many mins; exact
//
// scale and min are exact products of what is stored: a half (11 significant bits) and an integer of at most 8 bits.
// Loops are plain so that the compiler turns them into the vector words of whatever instruction set it builds for.

/// Eight 6-bit scales and eight 6-bit mins in twelve bytes (Q4_K, Q5_K). Bytes 0-3 hold scales 0-3 and 4-7 mins 0-3 in their low six
/// bits; bytes 8-11 hold the low nibbles of scales (low half) and mins (high half) 4-7, whose upper two bits are those left in bytes 0-7.
APR_INLINE void unpack_6bit_scales(const std::byte* packed, uint8_t* __restrict scale, uint8_t* __restrict min) {
  uint32_t a, b, c;
  std::memcpy(&a, packed, 4);
  std::memcpy(&b, packed + 4, 4);
  std::memcpy(&c, packed + 8, 4);
  uint32_t low_scales = a & 0x3f3f3f3f, high_scales = (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030);
  uint32_t low_mins = b & 0x3f3f3f3f, high_mins = (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030);
  std::memcpy(scale, &low_scales, 4);
  std::memcpy(scale + 4, &high_scales, 4);
  std::memcpy(min, &low_mins, 4);
  std::memcpy(min + 4, &high_mins, 4);
}

APR_INLINE const uint8_t* bytes_at(const std::byte* block, size_t offset) { return reinterpret_cast<const uint8_t*>(block) + offset; }

}  // namespace apr::quant
