#pragma once
#include <algorithm>
#include <cstring>

#include "base/inline.h"
#include "kernels/table.h"
#include "quant/all.h"

// Weights of 16 rows and up to 256 columns: from stored blocks to words with one row per lane, and from those to codes,
// scales and mins.
namespace apr::kernels::generic {

/// Sixteen rows' words, a lane each (a vector extension of GCC and Clang: every instruction set's translation unit gets
/// it in its own registers).
typedef uint32_t WordVector __attribute__((vector_size(64)));

/// A unit of 16 rows: word j of block b is words[b * Q::layout.words + j]; the block's half outside the words, where
/// the type has one, is halves[16 * b + row].
struct UnitWords {
  const WordVector* words;
  const uint16_t* halves;
};

/// Room for a unit's words.
struct UnitBuffer {
  static constexpr int kMostWords = kUnit / 32 * 8;  // of Q8_0, the most of any type
  alignas(64) std::byte words[64 * kMostWords];
  alignas(64) uint16_t halves[kUnit / 32][kPanelRows];
};

template <class Q>
inline constexpr int kUnitBytes = kUnit / int(Q::info.block_len) * int(Q::info.block_bytes);  ///< of one row

/// How many units ahead of the one in work the stored rows are asked for: enough to cover the memory's latency. The
/// hardware's own prefetchers lose their way among 16 rows.
inline constexpr int kUnitsAhead = 3;

/// Asks memory for the unit kUnitsAhead further on, in this panel or the next, a few rows at a time.
template <class Q>
class FetchAhead {
 public:
  FetchAhead(const ProductJob& job, int column0) : row_bytes_(job.w->row_bytes) {
    if (job.tokens > 1) return;
    const int unit = column0 / kUnit + kUnitsAhead, rest = unit - units(job.w->n_in);
    if (rest < 0) {
      from_ = job.w->panel(job.row0) ? job.w->row(job.row0) + size_t(unit) * kUnitBytes<Q> : nullptr;
    } else {
      from_ = job.next ? job.next + size_t(rest) * kUnitBytes<Q> : nullptr;
    }
  }
  APR_INLINE void rows(int first, int end) const {
    if (!from_) return;
    for (int r = first; r < end; ++r) {
      for (int line = 0; line < kUnitBytes<Q>; line += 64)
        __builtin_prefetch(from_ + size_t(r) * row_bytes_ + line, 0, 2);
    }
  }

 private:
  const std::byte* from_ = nullptr;
  size_t row_bytes_;
};

/// Turns 16 rows of stored blocks into words with one row per lane. Rows past the last stand in for by repeating it:
/// their results are not used.
template <class Isa, class Q>
APR_INLINE UnitWords gather_unit(const ProductJob& job, int column0, int columns, UnitBuffer& out) {
  constexpr int len = int(Q::info.block_len), bytes = int(Q::info.block_bytes), words = Q::layout.words;
  const int blocks = columns / len;
  auto block = [&](int r, int b) {
    return job.w->row(job.row0 + std::min(r, job.rows - 1)) + size_t(column0 / len + b) * bytes;
  };
  const FetchAhead<Q> fetch(job, column0);
  // Rows of words alone, for transposing: in place where blocks are long, else copied together.
  constexpr int kRow = 4 * UnitBuffer::kMostWords;
  alignas(64) std::byte copy[kPanelRows][kRow];
  const char* from = reinterpret_cast<const char*>(copy);
  size_t stride = kRow;
  if (len == kUnit && job.rows == kPanelRows) {
    from = reinterpret_cast<const char*>(block(0, 0)) + Q::layout.words_at;
    stride = size_t(job.w->row_bytes);
  } else {
    for (int r = 0; r < kPanelRows; ++r) {
      for (int b = 0; b < blocks; ++b)
        std::memcpy(copy[r] + 4 * words * b, block(r, b) + Q::layout.words_at, 4 * words);
    }
  }
  // The last sixteen words end where the row does, so that nothing beyond a long block is read.
  const int total = blocks * words, last = len == kUnit ? words - 16 : (total + 15) / 16 * 16 - 16;
  for (int at = 0, done = 0;;) {
    Isa::transpose(from + 4 * at, stride, out.words + 64 * at);
    const int upto = (at + 16) * kPanelRows / (last + 16);
    fetch.rows(done, upto);
    done = upto;
    if (at == last) break;
    at = std::min(at + 16, last);
  }
  if constexpr (Q::layout.half_at >= 0) {
    for (int b = 0; b < blocks; ++b) {
      for (int r = 0; r < kPanelRows; ++r) out.halves[b][r] = quant::load_u16(block(r, b) + Q::layout.half_at);
    }
  }
  return {reinterpret_cast<const WordVector*>(out.words), out.halves[0]};
}

/// The first half of a block (scale, or the factor of the scales) of each row.
template <class Isa, class Q>
APR_INLINE typename Isa::F first_half(UnitWords u, int b) {
  if constexpr (Q::layout.half_at >= 0) {
    return Isa::load_half(reinterpret_cast<const std::byte*>(u.halves + kPanelRows * b));
  } else {
    return Isa::half_of(Isa::ints(u.words[b * Q::layout.words + Q::layout.halves_word]), 0);
  }
}

/// The second half (min, or the factor of the mins) of each row.
template <class Isa, class Q>
APR_INLINE typename Isa::F second_half(UnitWords u, int b) {
  return Isa::half_of(Isa::ints(u.words[b * Q::layout.words + Q::layout.halves_word]), 1);
}

/// scale[group][row] and min[group][row] of a unit.
template <class Isa, class Q>
APR_INLINE void unit_scales(UnitWords u, int columns, float (*scale)[16], float (*min)[16]) {
  constexpr quant::ScaleForm form = quant::form_of<Q>();
  constexpr bool affine = Q::coding == quant::Coding::Affine;
  if constexpr (Q::info.block_len == 32) {
    for (int b = 0; b < columns / 32; ++b) {
      Isa::store(scale[b], first_half<Isa, Q>(u, b));
      if constexpr (affine)
        Isa::store(min[b], Isa::mul(second_half<Isa, Q>(u, b), Isa::set(form.adds_min ? -1.0f : 1.0f)));
    }
  } else {
    const auto factor = first_half<Isa, Q>(u, 0);
    for (int i = 0; i < 256 / Q::group / 4; ++i) {
      WordVector bytes;
      Q::scale_bytes(u.words, i, bytes);
      for (int k = 0; k < 4; ++k) {
        auto byte = form.signed_bytes ? Isa::signed_byte(Isa::ints(bytes), k) : Isa::unsigned_byte(Isa::ints(bytes), k);
        if constexpr (form.offset != 0) byte = Isa::add_int(byte, Isa::set_int(-form.offset));
        Isa::store(scale[4 * i + k], Isa::mul(factor, Isa::to_float(byte)));
      }
    }
    if constexpr (affine) {
      const auto min_factor = second_half<Isa, Q>(u, 0);
      for (int i = 0; i < 256 / Q::group / 4; ++i) {
        WordVector bytes;
        Q::min_bytes(u.words, i, bytes);
        for (int k = 0; k < 4; ++k)
          Isa::store(min[4 * i + k], Isa::mul(min_factor, Isa::to_float(Isa::unsigned_byte(Isa::ints(bytes), k))));
      }
    }
  }
}

/// The codes of a unit's columns 32 j … 32 j + 31: of lane r, column 32 j + 4 k + i in byte i of codes[k].
template <class Isa, class Q>
APR_INLINE void unit_codes(UnitWords u, int j, typename Isa::Codes (&codes)[8]) {
  constexpr int per_block = int(Q::info.block_len) / 32;
  WordVector words[8];
  Q::codes(u.words + j / per_block * Q::layout.words, j % per_block, words);
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

}  // namespace apr::kernels::generic
