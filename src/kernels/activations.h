#pragma once
#include <cstdint>

#include "base/inline.h"

namespace apr::kernels {

/// 32 activations as int8 with one scale: x[i] ~ scale * code[i]. One cache line.
///
/// The sums are there for the products: `sum` for types with mins, `bias` for instruction sets that multiply unsigned
/// by signed bytes and so shift signed weights up by 128.
struct alignas(64) XBlock {
  static constexpr int kLen = 32;
  int8_t code[kLen];     ///< -127 … 127
  float scale;           ///< largest magnitude / 127
  float sum;             ///< scale * sum of the 32 codes
  float half_sum[2];     ///< the same of each half of 16
  int32_t bias;          ///< -128 * sum of the 32 codes
  int32_t half_bias[2];  ///< the same of each half of 16
  int32_t unused;
};
static_assert(sizeof(XBlock) == 64);

/// The same 32 activations of 16 tokens, together: what products of many tokens read. Tokens that are not there are
/// zeros. Tiles of a matrix input are [tile of tokens][block].
struct alignas(64) XTile {
  static constexpr int kTokens = 16, kLen = XBlock::kLen;
  int8_t code[kTokens][kLen];
  float scale[kTokens];
  float sum[kTokens];
  float half_sum[2][kTokens];
  int32_t bias[kTokens];
  int32_t half_bias[2][kTokens];
};
static_assert(sizeof(XTile) == 15 * 64);

APR_INLINE constexpr int x_tiles(int tokens) { return (tokens + XTile::kTokens - 1) / XTile::kTokens; }
APR_INLINE constexpr int x_blocks(int n) { return (n + XBlock::kLen - 1) / XBlock::kLen; }

}  // namespace apr::kernels
