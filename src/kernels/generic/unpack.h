#pragma once
#include <algorithm>
#include <cstring>

#include "base/inline.h"
#include "kernels/table.h"
#include "quant/all.h"

// Weights of 16 rows and up to 256 columns: from stored blocks to words with one row per lane, and from those to codes,
// scales and mins.
namespace apr::kernels::generic {

/// A unit of 16 rows: word j of block b is in(u)[b * Q::layout.words + j], a lane to a row; the block's half outside
/// the words, where the type has one, is halves[16 * b + row].
struct UnitWords {
  const std::byte* words;
  const uint16_t* halves;
};
template <class Isa>
APR_INLINE const typename Isa::Words* in(UnitWords u) {
  return reinterpret_cast<const typename Isa::Words*>(u.words);
}

/// Room for a unit's words.
struct UnitBuffer {
  static constexpr int kMostWords = kUnit / 32 * 8;  // of Q8_0, the most of any type
  alignas(64) std::byte words[64 * kMostWords];
  alignas(64) uint16_t halves[kUnit / 32][kPanelRows];
};

template <class Q>
inline constexpr int kUnitBytes = kUnit / int(Q::info.block_len) * int(Q::info.block_bytes);  ///< of one row

/// Products ask for each unit of weights before they need it, in so many shares: those of few tokens go through memory
/// at its speed. Hardware prefetchers lose their way among 16 stored rows, and stop at page borders in packed panels.
inline constexpr int kFetchParts = kUnit / 32;

/// Where a unit `ahead` of column0 begins, in this panel or the next one; null if that is not known.
template <int kAhead, int kBytes>
APR_INLINE const std::byte* unit_ahead(const std::byte* panel, const std::byte* next, int n_in, int column0) {
  const int unit = column0 / kUnit + kAhead, rest = unit - units(n_in);
  if (rest >= 0) return next ? next + size_t(rest) * kBytes : nullptr;
  return panel ? panel + size_t(unit) * kBytes : nullptr;
}

/// 16 rows as the file stores them, turned into words unit by unit. Rows past the last are stood in for by repeating
/// it: their results are not used.
template <class Isa, class Q>
class StoredRows {
 public:
  StoredRows(const Weight& w, int row0, int rows, const std::byte* next)
      : w_(w), row0_(row0), rows_(rows), next_(next) {}
  explicit StoredRows(const ProductJob& job) : StoredRows(*job.w, job.row0, job.rows, job.next) {}

  APR_INLINE UnitWords unit(int column0, int columns, UnitBuffer& out) const {
    constexpr int len = int(Q::info.block_len), words = Q::layout.words;
    const int blocks = columns / len;
    // Rows of words alone, for transposing: in place where blocks are long, else copied together.
    constexpr int kRow = 4 * UnitBuffer::kMostWords;
    alignas(64) std::byte copy[kPanelRows][kRow];
    const char* from = reinterpret_cast<const char*>(copy);
    size_t stride = kRow;
    if (len == kUnit && rows_ == kPanelRows) {
      from = reinterpret_cast<const char*>(block(0, column0)) + Q::layout.words_at;
      stride = size_t(w_.row_bytes);
    } else {
      for (int r = 0; r < kPanelRows; ++r) {
        for (int b = 0; b < blocks; ++b)
          std::memcpy(copy[r] + 4 * words * b, block(r, column0 + len * b) + Q::layout.words_at, 4 * words);
      }
    }
    // The last sixteen words end where the row does, so that nothing beyond a long block is read.
    const int total = blocks * words, last = len == kUnit ? words - 16 : (total + 15) / 16 * 16 - 16;
    for (int at = 0;; at = std::min(at + 16, last)) {
      Isa::transpose(from + 4 * at, stride, out.words + 64 * at);
      if (at == last) break;
    }
    if constexpr (Q::layout.half_at >= 0) {
      for (int b = 0; b < blocks; ++b) {
        for (int r = 0; r < kPanelRows; ++r)
          out.halves[b][r] = quant::load_u16(block(r, column0 + len * b) + Q::layout.half_at);
      }
    }
    return {out.words, out.halves[0]};
  }

  APR_INLINE const std::byte* ahead(int column0) const {
    return unit_ahead<3, kUnitBytes<Q>>(w_.panel(row0_), next_, w_.n_in, column0);
  }
  /// One of kFetchParts shares of the unit there.
  APR_INLINE void fetch(const std::byte* there, int part) const {  // by force: GCC deletes calls that only prefetch
    constexpr int rows = kPanelRows / kFetchParts;
    for (int r = rows * part; r < rows * (part + 1); ++r) {
      for (int line = 0; line < kUnitBytes<Q>; line += 64)
        __builtin_prefetch(there + size_t(r) * w_.row_bytes + line, 0, 2);
    }
  }

 private:
  APR_INLINE const std::byte* block(int r, int column) const {
    return w_.row(row0_ + std::min(r, rows_ - 1)) + size_t(column) / Q::info.block_len * Q::info.block_bytes;
  }
  const Weight& w_;
  int row0_, rows_;
  const std::byte* next_;
};

/// A packed panel (pack.h): its words are ready to use where they lie.
template <class Q>
class PackedRows {
  static constexpr int kBlocks = kUnit / int(Q::info.block_len);  // of a unit
  static constexpr bool kHasHalves = Q::layout.half_at >= 0;
  static constexpr int kWordBytes = 64 * Q::layout.words * kBlocks;
  static constexpr int kHalfBytes = kHasHalves ? 2 * kPanelRows * kBlocks : 0;

 public:
  explicit PackedRows(const ProductJob& job) : panel_(job.w->panel(job.row0)), next_(job.next), n_in_(job.w->n_in) {}

  APR_INLINE UnitWords unit(int column0, int, UnitBuffer&) const {
    constexpr int len = int(Q::info.block_len), words = Q::layout.words;
    return {panel_ + size_t(column0 / len) * 64 * words,
            reinterpret_cast<const uint16_t*>(halves(panel_)) + column0 / len * kPanelRows};
  }

  /// The next unit, which is to come into the first-level cache, and the one after it, into the second: the first level
  /// can wait for few lines at a time, and each stays with it the shorter the nearer it comes from.
  struct Ahead {
    const std::byte *words, *halves, *farther;
    explicit operator bool() const { return words != nullptr; }
  };
  APR_INLINE Ahead ahead(int column0) const {
    const std::byte* words = unit_ahead<1, kWordBytes>(panel_, next_, n_in_, column0);
    const std::byte* farther = unit_ahead<2, kWordBytes>(panel_, next_, n_in_, column0);
    return {words, words && kHasHalves ? halves_ahead(column0) : nullptr, farther ? farther : words};
  }
  APR_INLINE void fetch(const Ahead& there, int part) const {  // by force, likewise
    constexpr int lines = kWordBytes / 64;
    for (int line = lines * part / kFetchParts; line < lines * (part + 1) / kFetchParts; ++line) {
      __builtin_prefetch(there.farther + 64 * line, 0, 2);
      __builtin_prefetch(there.words + 64 * line, 0, 3);
    }
    if (kHasHalves && 64 * part < kHalfBytes) __builtin_prefetch(there.halves + 64 * part, 0, 3);
  }

 private:
  APR_INLINE const std::byte* halves(const std::byte* panel) const {
    return panel + size_t(n_in_ / int(Q::info.block_len)) * 64 * Q::layout.words;
  }
  APR_INLINE const std::byte* halves_ahead(int column0) const {
    return unit_ahead<1, kHalfBytes>(halves(panel_), next_ ? halves(next_) : nullptr, n_in_, column0);
  }
  const std::byte* panel_;
  const std::byte* next_;
  int n_in_;
};

/// The first half of a block (scale, or the factor of the scales) of each row.
template <class Isa, class Q>
APR_INLINE typename Isa::F first_half(UnitWords u, int b) {
  if constexpr (Q::layout.half_at >= 0) {
    return Isa::load_half(reinterpret_cast<const std::byte*>(u.halves + kPanelRows * b));
  } else {
    return Isa::half_of(Isa::ints(in<Isa>(u)[b * Q::layout.words + Q::layout.halves_word]), 0);
  }
}

/// The second half (min, or the factor of the mins) of each row.
template <class Isa, class Q>
APR_INLINE typename Isa::F second_half(UnitWords u, int b) {
  return Isa::half_of(Isa::ints(in<Isa>(u)[b * Q::layout.words + Q::layout.halves_word]), 1);
}

/// The scales and mins of a unit's groups, made from its words when asked for: the bytes of blocks of 256 stay in
/// registers where the group is a constant.
template <class Isa, class Q>
class UnitScales {
  static constexpr quant::ScaleForm form = quant::form_of<Q>();
  static constexpr bool whole = Q::info.block_len == kUnit, affine = Q::coding == quant::Coding::Affine;
  static constexpr int kWords = whole ? kUnit / Q::group / 4 : 1;

 public:
  using F = typename Isa::F;
  APR_INLINE explicit UnitScales(UnitWords u) : u_(u) {
    if constexpr (whole) {
      factor_ = first_half<Isa, Q>(u, 0);
      for (int i = 0; i < kWords; ++i) Q::scale_bytes(in<Isa>(u), i, scales_[i]);
      if constexpr (affine) {
        min_factor_ = second_half<Isa, Q>(u, 0);
        for (int i = 0; i < kWords; ++i) Q::min_bytes(in<Isa>(u), i, mins_[i]);
      }
    }
  }
  APR_INLINE F scale(int group) const {
    if constexpr (whole) {
      const auto bytes = Isa::ints(scales_[group / 4]);
      auto byte = form.signed_bytes ? Isa::signed_byte(bytes, group % 4) : Isa::unsigned_byte(bytes, group % 4);
      if constexpr (form.offset != 0) byte = Isa::add_int(byte, Isa::set_int(-form.offset));
      return Isa::mul(factor_, Isa::to_float(byte));
    } else {
      return first_half<Isa, Q>(u_, group);
    }
  }
  /// needs: an affine type
  APR_INLINE F min(int group) const {
    if constexpr (whole) {
      return Isa::mul(min_factor_, Isa::to_float(Isa::unsigned_byte(Isa::ints(mins_[group / 4]), group % 4)));
    } else {
      return Isa::mul(second_half<Isa, Q>(u_, group), Isa::set(form.adds_min ? -1.0f : 1.0f));
    }
  }

 private:
  UnitWords u_;
  F factor_, min_factor_;
  typename Isa::Words scales_[kWords], mins_[affine ? kWords : 1];
};

/// scale[group][row] and min[group][row] of a unit.
template <class Isa, class Q>
APR_INLINE void unit_scales(UnitWords u, int columns, float (*scale)[16], float (*min)[16]) {
  const UnitScales<Isa, Q> scales(u);
  for (int g = 0; g < columns / Q::group; ++g) {
    Isa::store(scale[g], scales.scale(g));
    if constexpr (Q::coding == quant::Coding::Affine) Isa::store(min[g], scales.min(g));
  }
}

/// The codes of a unit's columns 32 j … 32 j + 31: of lane r, column 32 j + 4 k + i in byte i of codes[k].
template <class Isa, class Q>
APR_INLINE void unit_codes(UnitWords u, int j, typename Isa::Codes (&codes)[8]) {
  constexpr int per_block = int(Q::info.block_len) / 32;
  typename Isa::Words words[8];
  Q::codes(in<Isa>(u) + j / per_block * Q::layout.words, j % per_block, words);
  for (int k = 0; k < 8; ++k) {
    codes[k] = Isa::codes(words[k]);
    if constexpr (Q::coding == quant::Coding::Levels) codes[k] = Isa::levels(codes[k]);
  }
}

template <class Isa, class Q>
APR_INLINE void unpack_unit(UnitWords u, int columns, PanelUnit& out) {
  for (int j = 0; j < columns / 32; ++j) {
    typename Isa::Codes codes[8];
    unit_codes<Isa, Q>(u, j, codes);
    for (int k = 0; k < 8; ++k) Isa::store_codes(out.code + 64 * (8 * j + k), codes[k]);
  }
  unit_scales<Isa, Q>(u, columns, out.scale, out.min);
}

/// Writes the packed form of up to 16 stored rows.
template <class Isa, class Q>
void pack(const Weight& stored, int row0, std::byte* out) {
  constexpr int len = int(Q::info.block_len);
  const StoredRows<Isa, Q> rows(stored, row0, std::min(kPanelRows, stored.n_out - row0), nullptr);
  std::byte* halves = out + size_t(stored.n_in / len) * 64 * Q::layout.words;
  for (int column0 = 0; column0 < stored.n_in; column0 += kUnit) {
    const int columns = std::min(kUnit, stored.n_in - column0), blocks = columns / len;
    UnitBuffer buffer;
    const UnitWords u = rows.unit(column0, columns, buffer);
    std::memcpy(out + size_t(column0 / len) * 64 * Q::layout.words, u.words, size_t(blocks) * 64 * Q::layout.words);
    if constexpr (Q::layout.half_at >= 0)
      std::memcpy(halves + size_t(column0 / len) * 2 * kPanelRows, u.halves, size_t(blocks) * 2 * kPanelRows);
  }
}

}  // namespace apr::kernels::generic
