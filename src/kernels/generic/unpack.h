#pragma once
#include <algorithm>
#include <cstring>

#include "base/inline.h"
#include "kernels/table.h"
#include "quant/all.h"

// Weights of 16 rows and up to 256 columns, from their stored blocks to codes, scales and mins. Scales come out with
// one row per lane.
namespace apr::kernels::generic {

/// The first block that a row has in a unit. Rows past `rows` stand in for by repeating the last one: their results are
/// not used.
template <class Q>
APR_INLINE const std::byte* unit_block(const Weight& w, int row0, int rows, int r, int column0) {
  return w.row(row0 + std::min(r, rows - 1)) + size_t(column0) / Q::info.block_len * Q::info.block_bytes;
}

/// The codes of one row.
template <class Q>
APR_INLINE void unpack_codes(const std::byte* block, int columns, quant::Bytes32* codes) {
  constexpr int len = int(Q::info.block_len);
  for (int c = 0; c < columns; c += len, block += Q::info.block_bytes) Q::codes(block, codes + c / 32);
}

/// Types with blocks of 256: a byte per group times one half per row.
template <class Isa, class Q>
APR_INLINE void unpack_byte_scales(const Weight& w, int row0, int rows, int column0, float (*scale)[16],
                                   float (*min)[16]) {
  constexpr int groups = 256 / Q::group;
  alignas(64) uint8_t bytes[16][16], min_bytes[16][16];
  alignas(64) uint16_t d[16], dmin[16];
  for (int r = 0; r < kPanelRows; ++r) {
    quant::ByteScales s;
    Q::scales(unit_block<Q>(w, row0, rows, r, column0), s);
    std::memcpy(bytes[r], s.scale, groups);
    d[r] = s.d;
    if constexpr (Q::affine) {
      std::memcpy(groups == 8 ? bytes[r] + 8 : min_bytes[r], s.min, groups);  // eight of each fit one row of bytes
      dmin[r] = s.dmin;
    }
  }
  typename Isa::I words[4];
  Isa::transpose_words(bytes, words);
  auto factor = Isa::load_half(reinterpret_cast<const std::byte*>(d));
  for (int g = 0; g < groups; ++g) {
    auto byte = Q::affine ? Isa::unsigned_byte(words[g / 4], g % 4) : Isa::signed_byte(words[g / 4], g % 4);
    Isa::store(scale[g], Isa::mul(factor, Isa::to_float(byte)));
  }
  if constexpr (Q::affine) {
    if (groups == 16) Isa::transpose_words(min_bytes, words);
    auto min_factor = Isa::load_half(reinterpret_cast<const std::byte*>(dmin));
    for (int g = 0; g < groups; ++g) {
      const int at = groups == 8 ? g + 8 : g;
      Isa::store(min[g], Isa::mul(min_factor, Isa::to_float(Isa::unsigned_byte(words[at / 4], at % 4))));
    }
  }
}

/// Types with blocks of 32: a half per group.
template <class Isa, class Q>
APR_INLINE void unpack_half_scales(const Weight& w, int row0, int rows, int column0, int columns, float (*scale)[16],
                                   float (*min)[16]) {
  alignas(64) uint16_t halves[16][8] = {}, min_halves[16][8] = {};
  for (int r = 0; r < kPanelRows; ++r) {
    const std::byte* block = unit_block<Q>(w, row0, rows, r, column0);
    for (int g = 0; g < columns / 32; ++g, block += Q::info.block_bytes) {
      quant::HalfScales s;
      Q::scales(block, s);
      halves[r][g] = s.scale;
      if constexpr (Q::affine) min_halves[r][g] = s.min;
    }
  }
  typename Isa::I words[4];
  Isa::transpose_words(halves, words);
  for (int g = 0; g < 8; ++g) Isa::store(scale[g], Isa::half_of(words[g / 2], g % 2));
  if constexpr (Q::affine) {
    Isa::transpose_words(min_halves, words);
    for (int g = 0; g < 8; ++g) Isa::store(min[g], Isa::half_of(words[g / 2], g % 2));
  }
}

template <class Isa, class Q>
APR_INLINE void unpack_scales(const Weight& w, int row0, int rows, int column0, int columns, float (*scale)[16],
                              float (*min)[16]) {
  if constexpr (Q::info.block_len == 32) {
    unpack_half_scales<Isa, Q>(w, row0, rows, column0, columns, scale, min);
  } else {
    unpack_byte_scales<Isa, Q>(w, row0, rows, column0, scale, min);
  }
}

/// All of a unit, with codes interleaved as PanelUnit says.
template <class Isa, class Q>
APR_INLINE void unpack_unit(const Weight& w, int row0, int rows, int column0, int columns, PanelUnit& out) {
  quant::Bytes32 codes[kPanelRows][kUnit / 32];
  for (int r = 0; r < kPanelRows; ++r) unpack_codes<Q>(unit_block<Q>(w, row0, rows, r, column0), columns, codes[r]);
  for (int c = 0; c < columns; c += 64)
    Isa::transpose(reinterpret_cast<const char*>(codes) + c, kUnit, out.code + kPanelRows * c);
  unpack_scales<Isa, Q>(w, row0, rows, column0, columns, out.scale, out.min);
}

}  // namespace apr::kernels::generic
