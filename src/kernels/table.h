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

/// Attention of query rows t0 … t1-1 for the query heads that share kv head g.
struct AttendJob {
  const KvView* kv;
  const float* q;    ///< [T, heads * d], after norm and RoPE
  float* o;          ///< [T, heads * d]
  int heads, group;  ///< query heads in all; query heads per kv head
  int g, t0, t1;
  float scale;     ///< of q . k
  float* scratch;  ///< attend_scratch_floats(t1 - t0, group, d)
};
inline constexpr int kKeyBlock = 64;
inline int padded(int d) { return (d + kLanes - 1) / kLanes * kLanes; }
inline size_t attend_scratch_floats(int rows, int group, int d) {
  return size_t(2 * kKeyBlock) * size_t(padded(d)) + size_t(rows) * size_t(group) * size_t(2 * padded(d) + 2) +
         kKeyBlock;
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
/// The order of every float operation is part of the contract, so that scalar, AVX2 and AVX-512 agree exactly:
/// - quantised products: exact integer sums over a group, then main = fma(sum, scale * x.scale, main) and
///   min = fma(group min, x sum, min), group after group along the row; result main - min.
/// - float products and all other sums over a row: lane i of 16 takes elements i, i + 16, …, by fma; lanes are added as
/// a tree
///   (i with i + 8, then + 4, + 2, + 1).
/// - attention: key blocks of 64 counted from position 0, in order; within a block the values are added key after key.
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
  void (*store_kv)(const float* x, int n, KvType type,
                   std::byte* out);  ///< half: to nearest, held to the largest finite half
  void (*attend)(const AttendJob&);
  // Roofs (roofs.h): how fast this machine reads and multiplies when it does nothing else.
  uint32_t (*read)(const std::byte* p, size_t bytes, int streams, size_t ahead);
  uint64_t (*multiply_int8)(const RoofTile& tile, int rounds, bool wide, float* y);  ///< multiply-adds done; y [16]
  uint64_t (*multiply_float)(const RoofTile& tile, int rounds, bool wide, float* y);
};

}  // namespace apr::kernels
