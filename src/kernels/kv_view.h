#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace apr::kernels {

enum class KvType : uint8_t { F16, F32, Q8_0, Q16 };

/// Positions that share a tile of the cache: one per lane of a vector of scores.
inline constexpr int kKvTile = 16;
/// Elements of a head that share a scale in Q8_0 keys and values, and in Q16 keys.
inline constexpr int kKvGroup = 32;
/// The largest codes of Q16: 32 products of keys and queries fit 31 bits, and so do 64 of values and weights, whose
/// codes go up to 8,191 too.
inline constexpr int kKeyCodes = 8191, kValueCodes = 4095;

inline constexpr std::string_view name_of(KvType type) {
  constexpr std::string_view names[] = {"f16", "f32", "q8_0", "q16"};
  return names[size_t(type)];
}

/// Whether codes with scales are kept, or floats.
inline constexpr bool is_coded(KvType type) { return type == KvType::Q8_0 || type == KvType::Q16; }

/// Whether heads of d elements can be kept so. Coded caches have whole groups of 32 only.
inline constexpr bool kv_fits(KvType type, int d) { return !is_coded(type) || d % kKvGroup == 0; }

/// Bytes of a tile of keys, or of values: see KvView.
inline constexpr size_t kv_tile_bytes(KvType type, int d) {
  if (type == KvType::Q8_0) return size_t(kKvTile) * (size_t(d) + size_t(d / kKvGroup) * 2);
  if (type == KvType::Q16)  // whole cache lines
    return (size_t(kKvTile) * (2 * size_t(d) + size_t(d / kKvGroup) * 2) + 63) / 64 * 64;
  return size_t(kKvTile) * (size_t(d + 15) / 16 * 16) * (type == KvType::F16 ? 2 : 4);
}

/// One layer of a KV cache. K and V: [kv heads, capacity / 16, tile], a tile being 16 positions of one head in the
/// order in which attention reads them; this is no file's format.
///
///         keys                                            values
/// F16/F32 [d][16 positions]                               [16 positions][d, then zeros up to a multiple of 16]
/// Q8_0    codes [d / 4][16 positions][4], then scales     codes [8 pairs of positions][d][2], then scales
/// Q16     codes [d / 2][16 positions][2], then scales     the same
///
/// An element is scale * code. Scales are [d / 32][16 positions], but of Q16 values [16 positions]; each a bfloat16,
/// which has the range of f32: neither large nor small groups lose more than the step they are rounded to. Codes of
/// Q8_0 are int8, -127 … 127; of Q16 int16, keys up to ±8,191 and values up to ±4,095.
struct KvView {
  std::byte* k = nullptr;
  std::byte* v = nullptr;
  int heads = 0, dim = 0, capacity = 0;
  int length = 0;  ///< P: tokens already cached
  KvType type = KvType::F16;
  size_t tile_bytes() const { return kv_tile_bytes(type, dim); }
  size_t tiles() const { return (size_t(capacity) + kKvTile - 1) / kKvTile; }  ///< of a head
  /// Where the tile with this position begins, in k and in v.
  size_t tile(int head, int position) const {
    return (size_t(head) * tiles() + size_t(position / kKvTile)) * tile_bytes();
  }
  size_t bytes() const { return size_t(heads) * tiles() * tile_bytes(); }  ///< of k, and of v
};

/// One sequence's share of a pass, as one layer sees it: its next `tokens` rows, which follow the kv.length positions
/// cached. The rows of several sequences lie one after another.
struct Sequence {
  KvView kv;
  int tokens = 0;
};

}  // namespace apr::kernels
