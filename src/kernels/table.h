#pragma once
#include <array>
#include <span>
#include <string_view>

#include "kernels/activations.h"
#include "kernels/kv_view.h"
#include "kernels/mat.h"
#include "quant/types.h"

namespace apr::kernels {

/// Columns of a panel unit: the largest block of any type.
inline constexpr int kUnit = 256;

/// 16 rows x 256 columns of weights, unpacked and interleaved so that one row is one lane: code[4 (16 k + r) + i] is
/// the code of row r, column 4 k + i, as the type's coding says (quant/block.h; levels are looked up); scale and min
/// are [group][row].
struct alignas(64) PanelUnit {
  uint8_t code[kPanelRows * kUnit];
  float scale[kUnit / 16][kPanelRows];
  float min[kUnit / 16][kPanelRows];
};

/// y[t][r] = sum over i of W[row0 + r][i] * x[t][i], for up to 16 rows and any number of tokens.
struct ProductJob {
  const Weight* w;
  int row0, rows;           ///< rows <= 16; lanes past them are left undefined
  const float* const* xf;   ///< tokens pointers to [n_in] f32: read by F32, F16 and BF16 weights
  const XBlock* const* xq;  ///< tokens pointers to [n_in / 32]: read by quantised weights for few tokens
  const XTile* xt;          ///< [x_tiles(tokens)][n_in / 32]: the same, for more than Kernels::few_tokens
  int tokens;
  float* y;               ///< [tokens][16], with room for a whole tile
  PanelUnit* panel;       ///< scratch
  float* mins;            ///< scratch: as y
  const std::byte* next;  ///< the panel, of the same type, width and form, that this thread reads next; or null
};
inline int units(int n_in) { return (n_in + kUnit - 1) / kUnit; }

/// Keys that share one running maximum's step, and keys whose sums are kept apart before they are joined; both counted
/// from position 0.
inline constexpr int kKeyBlock = 64, kKeySegment = 1024;
inline int padded(int d) { return (d + kLanes - 1) / kLanes * kLanes; }

/// Attention of query rows t0 … t1-1 for the query heads that share kv head g, over some segments of the keys.
struct AttendJob {
  const KvView* kv;
  const float* q;    ///< [T, heads * d], after norm and RoPE
  float* o;          ///< [T, heads * d]
  int heads, group;  ///< query heads in all; query heads per kv head
  int g, t0, t1;
  int segment0, segment1;  ///< segments of keys: segment0 … segment1 - 1
  float scale;             ///< of q . k
  float* rows;             ///< the rows' states, attend_states_floats(rows, d): of these segments joined
  float* scratch;          ///< attend_scratch_floats(rows, d)
};
inline constexpr int kRowPadding = 8;  ///< rows are worked on in tiles; spare rows fill the last
inline size_t padded_rows(int rows) { return size_t(rows + kRowPadding - 1) / kRowPadding * kRowPadding; }
/// Of one row: o [padded d], 16 lanes of the sum of weights, the largest score and 15 floats unused.
inline size_t attend_row_floats(int d) { return size_t(padded(d)) + 2 * kLanes; }
inline size_t attend_states_floats(int rows, int d) { return padded_rows(rows) * attend_row_floats(d); }
/// A tile of rows' weights of a block as 16-bit codes, and a step, for each of the values' scales; whole vectors.
inline size_t attend_codes_floats(int tile, int d) {
  return size_t(tile) * size_t((d + kKvGroup - 1) / kKvGroup) * (kKeyBlock / 2 + kLanes);
}
/// Queries, a segment's states, scores and their codes, and a block of keys and values.
inline size_t attend_scratch_floats(int rows, int d) {
  return padded_rows(rows) * size_t(padded(d)) + attend_states_floats(rows, d) + size_t(kRowPadding) * kKeyBlock +
         attend_codes_floats(kRowPadding, d) + size_t(2 * kKeyBlock) * size_t(padded(d));
}

/// What a multiply-add roof works on: 16 rows of weights and a few tokens that stay in the first-level cache.
struct RoofTile {
  static constexpr int kColumns = 128, kTokens = 12;
  alignas(64) uint8_t code[16 * kColumns];  ///< at most 127
  alignas(64) float w[16 * kColumns];
  alignas(64) int8_t x[kTokens][kColumns];
  alignas(64) float f[kTokens][kColumns];
};

template <class F>
using PerType = std::array<F, size_t(quant::Type::IQ4_XS) + 1>;

/// What an instruction set does: one function per verb, all with the same results to the bit.
///
/// The order of every float operation is part of the contract, so that scalar, AVX2, AVX-VNNI, AVX-512 and AMX agree exactly:
/// - quantised products: exact integer sums over a group, then main = fma(sum, scale * x.scale, main) and
///   min = fma(group min, x sum, min), group after group along the row; result main - min.
/// - float products and all other sums over a row: lane i of 16 takes elements i, i + 16, …, by fma; lanes are added as
/// a tree
///   (i with i + 8, then + 4, + 2, + 1).
/// - attention: keys in segments of 1,024 and blocks of 64, both counted from position 0.
///   A score is the chain of fma(scale * q[i], k[i], score) for i = 0, 1, …. For coded keys q is rounded to codes too:
///   for Q8_0 as activations are, and a score is the chain of fma(exact sum of 32, k.scale * (q.scale * scale), score);
///   for Q16 a row to int16, and it is the chain of fma(exact sum of 32, k.scale, score), times q.scale * scale.
///   After each block the row's state is brought to the new maximum: o = o * factor, then fma(weight, v, o) key after
///   key; lane i of 16 sums the weights of keys i, i + 16, … of the block, then lanes = fma(lanes, factor, those).
///   For coded values, weights are relative to the block's own largest score; times v.scale they are rounded to codes
///   up to 32,767 (Q8_0) or 8,191 (Q16), relative to the row's largest such product of the block and columns;
///   o = fma(exact sum of code * code, step * own factor, o * factor), and lanes = fma(lanes, factor, those * own
///   factor).
///   A segment begins empty, and is joined to those before it by fma(theirs, factor, ours * factor). At last o is
///   divided by the lanes' sum.
/// - exp is a polynomial of our own (generic/math.h).
struct Kernels {
  std::string_view name;
  int few_tokens;  ///< products of more tokens than this read tiles (ProductJob::xt)
  void (*quantise)(const float* x, int n, XBlock* out);
  PerType<void (*)(const ProductJob&)> product;
  /// Writes the packed form (pack.h) of up to 16 stored rows from row0 on. needs: a quantised type; `out` on a cache
  /// line
  PerType<void (*)(const Weight& stored, int row0, std::byte* out)> pack;
  void (*rms_norm)(const float* x, const float* weight, int n, float eps, float* y);  ///< y may be x
  void (*silu_mul)(const float* gate, const float* up, int n, float* y);
  void (*softmax)(float* x, int n);
  void (*add)(float* y, const float* x, int n);                  ///< y += x
  void (*add_scaled)(float* y, const float* x, float w, int n);  ///< y = fma(w, x, y)
  /// A head's row of d numbers into lane `lane` of its tile (kv_view.h). Half: to nearest, held to the largest finite
  /// half. Codes: a NaN or infinity gives all that share its scale a NaN for it
  void (*store_key)(const float* x, int d, KvType type, std::byte* tile, int lane);
  void (*store_value)(const float* x, int d, KvType type, std::byte* tile, int lane);
  void (*attend)(const AttendJob&);  ///< fills job.rows
  /// Joins the states `from` of `segment` to job.rows, which holds those of all segments before
  void (*attend_join)(const AttendJob&, int segment, const float* from);
  void (*attend_finish)(const AttendJob&);  ///< job.rows to job.o
  // Roofs (roofs.h): how fast this machine reads and multiplies when it does nothing else.
  uint32_t (*read)(const std::byte* p, size_t bytes, int streams, size_t ahead);
  uint64_t (*multiply_int8)(const RoofTile& tile, int rounds, bool wide, float* y);  ///< multiply-adds done; y [16]
  uint64_t (*multiply_float)(const RoofTile& tile, int rounds, bool wide, float* y);
};

}  // namespace apr::kernels
