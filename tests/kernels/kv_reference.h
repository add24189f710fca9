#pragma once
// A KV cache by the definition in kernels/kv_view.h, element by element.
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/kv_view.h"
#include "quant/reference.h"

namespace apr::test {

using kernels::KvType;
inline constexpr KvType kKvTypes[] = {KvType::F16, KvType::F32, KvType::Q8_0};

/// What the cache makes of a row of whole heads, by the definition in kernels/kv_view.h. Q8_0: the scale is the least
/// bfloat16 that is not below largest / 127.
inline std::vector<double> as_stored(const std::vector<float>& row, KvType type) {
  std::vector<double> out(row.begin(), row.end());
  if (type == KvType::F16) {
    for (size_t i = 0; i < row.size(); ++i) out[i] = half_value(nearest_half(row[i]));
  }
  for (size_t start = 0; type == KvType::Q8_0 && start < row.size(); start += 32) {
    float most = 0;
    for (size_t i = start; i < start + 32; ++i) most = std::fmax(most, std::fabs(row[i]));
    const float exact = most / 127.0f;
    float scale = std::bit_cast<float>(std::bit_cast<uint32_t>(exact) & 0xffff0000u);
    if (scale < exact) scale = std::bit_cast<float>(std::bit_cast<uint32_t>(scale) + 0x10000u);
    for (size_t i = start; i < start + 32; ++i) out[i] = double(scale) * std::nearbyint(row[i] * (1.0f / scale));
  }
  return out;
}

/// Element i of a head at a position, read from where kernels/kv_view.h says.
inline double held(const kernels::KvView& kv, bool key, int head, int position, int i) {
  const int lane = position % 16, dp = (kv.dim + 15) / 16 * 16;
  const std::byte* tile = (key ? kv.k : kv.v) + kv.tile(head, position);
  if (kv.type == KvType::Q8_0) {
    const std::byte* scale = tile + 16 * kv.dim + 2 * (i / 32 * 16 + lane);
    const int code = int8_t(tile[key ? i / 4 * 64 + lane * 4 + i % 4 : lane * kv.dim + i]);
    return code * double(std::bit_cast<float>((uint32_t(scale[0]) | uint32_t(scale[1]) << 8) << 16));
  }
  const int at = key ? i * 16 + lane : lane * dp + i;
  if (kv.type == KvType::F16) return half_value(uint16_t(uint32_t(tile[2 * at]) | uint32_t(tile[2 * at + 1]) << 8));
  float f;
  std::memcpy(&f, tile + 4 * at, 4);
  return double(f);
}

}  // namespace apr::test
