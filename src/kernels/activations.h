#pragma once
#include <cstdint>

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

inline int x_blocks(int n) { return (n + XBlock::kLen - 1) / XBlock::kLen; }

}  // namespace apr::kernels
