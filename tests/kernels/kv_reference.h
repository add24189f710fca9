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
inline constexpr KvType kKvTypes[] = {KvType::F16, KvType::F32, KvType::Q8_0, KvType::Q16};

enum class Kv { Key, Value };

/// How a coded cache keeps numbers: a scale for `together` of them, codes up to ±limit.
struct Coding {
  size_t together;
  float limit;
};
inline Coding coding_of(KvType type, Kv which, int d) {
  if (type == KvType::Q8_0) return {32, 127};
  return which == Kv::Key ? Coding{32, 8191} : Coding{size_t(d), 4095};
}

/// What the cache makes of a row of whole heads of d, by the definition in kernels/kv_view.h. Scales are the least
/// bfloat16 that is not below largest / limit.
inline std::vector<double> as_stored(const std::vector<float>& row, KvType type, Kv which, int d) {
  std::vector<double> out(row.begin(), row.end());
  if (type == KvType::F16) {
    for (size_t i = 0; i < row.size(); ++i) out[i] = half_value(nearest_half(row[i]));
  }
  const auto [together, limit] = coding_of(type, which, d);
  for (size_t start = 0; kernels::is_coded(type) && start < row.size(); start += together) {
    float most = 0;
    for (size_t i = start; i < start + together; ++i) most = std::fmax(most, std::fabs(row[i]));
    const float exact = most / limit;
    float scale = std::bit_cast<float>(std::bit_cast<uint32_t>(exact) & 0xffff0000u);
    if (scale < exact) scale = std::bit_cast<float>(std::bit_cast<uint32_t>(scale) + 0x10000u);
    for (size_t i = start; i < start + together; ++i) out[i] = double(scale) * std::nearbyint(row[i] * (1.0f / scale));
  }
  return out;
}

/// Element i of a head at a position, read from where kernels/kv_view.h says.
inline double held(const kernels::KvView& kv, Kv which, int head, int position, int i) {
  const bool key = which == Kv::Key;
  const int lane = position % 16, dp = (kv.dim + 15) / 16 * 16;
  const std::byte* tile = (key ? kv.k : kv.v) + kv.tile(head, position);
  if (kernels::is_coded(kv.type)) {
    const int bytes = kv.type == KvType::Q8_0 ? 1 : 2, word = 4 / bytes;  // codes in a word
    const std::byte* scale =
        tile + 16 * bytes * kv.dim + 2 * (i / int(coding_of(kv.type, which, kv.dim).together) * 16 + lane);
    const int at = key ? (i / word * 16 + lane) * word + i % word : (lane / 2 * kv.dim + i) * 2 + lane % 2;
    int16_t code = int8_t(tile[at]);
    if (bytes == 2) std::memcpy(&code, tile + 2 * at, 2);
    return code * double(std::bit_cast<float>((uint32_t(scale[0]) | uint32_t(scale[1]) << 8) << 16));
  }
  const int at = key ? i * 16 + lane : lane * dp + i;
  if (kv.type == KvType::F16) return half_value(uint16_t(uint32_t(tile[2 * at]) | uint32_t(tile[2 * at + 1]) << 8));
  float f;
  std::memcpy(&f, tile + 4 * at, 4);
  return double(f);
}

}  // namespace apr::test
