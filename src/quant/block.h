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
// A type is a struct that says how to get there from a block taken as little-endian 32-bit words:
//   info      its row of the table in types.h
//   layout    which of the block's bytes are words, and where its halves are
//   group     elements that share a scale: 16 or 32
//   coding    what a code is
//   codes()   words -> the codes of columns 32 j … 32 j + 31, four to a word
//   scale_bytes(), min_bytes()   (blocks of 256 only) words -> the bytes of groups 4 i … 4 i + 3
//
// The functions are written once for any W that has the operators of uint32_t: a uint32_t is one row (decode(), the
// truth), a vector of sixteen is sixteen rows at once (kernels/).

enum class Coding : uint8_t {
  Affine,  ///< unsigned, 0 … 127, with mins
  Offset,  ///< unsigned, 0 … 127, of which the type's `offset` is to be subtracted; no mins
  Signed,  ///< two's complement bytes; no mins
  Levels,  ///< 0 … 15, an index of kIq4Levels; no mins
};

/// Where things are in a block, in bytes.
struct Layout {
  int words_at, words;   ///< the first word, and how many there are
  int half_at = -1;      ///< a half outside the words: the scale (blocks of 32), or the factor d of all scales; or -1
  int halves_word = -1;  ///< else the word whose low half is that, and whose high half is the min or its factor
};

/// Whether types with blocks of 32 store -min, as w = d * q + m: the canonical form subtracts it.
/// Whether scale bytes of blocks of 256 are signed, and what is to be subtracted from unsigned ones.
struct ScaleForm {
  bool adds_min = false;
  bool signed_bytes = false;
  int offset = 0;
};

/// A type's `form`, or the plain one.
template <class Q>
constexpr ScaleForm form_of() {
  if constexpr (requires { Q::form; }) {
    return Q::form;
  } else {
    return {};
  }
}

inline constexpr uint32_t kNibbles = 0x0f0f0f0f, kPairs = 0x03030303, kBits = 0x01010101;

/// 4 words of nibbles -> 8 words of codes: element i low, i + 16 high. This is how types with blocks of 32 keep theirs.
template <class W>
APR_INLINE void split_nibbles(const W* w, W* out) {
  for (int k = 0; k < 4; ++k) out[k] = w[k] & kNibbles;
  for (int k = 0; k < 4; ++k) out[4 + k] = w[k] >> 4 & kNibbles;
}

/// Sets bit 4 of element i's byte to bit i of the word.
template <class W>
APR_INLINE void add_fifth_bits(const W& bits, W* codes) {
  for (int k = 0; k < 8; ++k) {
    // The product holds four copies of four bits, 7 apart, so that copy i has bit i at the foot of byte i.
    W spread = (bits >> (4 * k) & 15u) * 0x00204081u;
    codes[k] |= (spread & kBits) << 4;
  }
}

/// Eight 6-bit scales and eight 6-bit mins in three words (Q4_K, Q5_K). Words 0 and 1 hold scales 0-3 and mins 0-3 in
/// the low six bits of their bytes; word 2 the low nibbles of scales (low half) and mins (high half) 4-7, whose upper
/// two bits are those left in words 0 and 1.
template <class W>
struct SixBitScales {
  static constexpr uint32_t kSix = 0x3f3f3f3f, kTop = 0x30303030;
  APR_INLINE static void scales(const W* packed, int i, W& out) {
    out = i == 0 ? packed[0] & kSix : (packed[2] & kNibbles) | (packed[0] >> 2 & kTop);
  }
  APR_INLINE static void mins(const W* packed, int i, W& out) {
    out = i == 0 ? packed[1] & kSix : (packed[2] >> 4 & kNibbles) | (packed[1] >> 2 & kTop);
  }
};

}  // namespace apr::quant
