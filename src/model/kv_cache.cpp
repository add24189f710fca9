#include "model/kv_cache.h"

#include <limits>
#include <new>

#include "base/error.h"

namespace apr::model {
uint64_t KvCache::bytes(int layers, int kv_heads, int head_dim, int capacity, KvType type) {
  const uint64_t tile = 2 * uint64_t(layers) * uint64_t(kv_heads) * kernels::kv_tile_bytes(type, head_dim);
  uint64_t all = 0;
  const uint64_t tiles = (uint64_t(capacity) + kernels::kKvTile - 1) / kernels::kKvTile;
  return __builtin_mul_overflow(tile, tiles, &all) ? std::numeric_limits<uint64_t>::max() : all;
}

KvCache::KvCache(int layers, int kv_heads, int head_dim, int capacity, KvType type)
    : heads_(kv_heads), dim_(head_dim), capacity_(capacity), type_(type) {
  const uint64_t size = bytes(layers, kv_heads, head_dim, capacity, type);
  try {
    // Not cleared: a position is written before it is read, and pages that no token reached stay with the system.
    memory_ = LargeMemory(size);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::Memory, "KV cache for {} tokens: the system refused {} MiB; ask for a smaller context", capacity,
         size >> 20);
  }
}

kernels::KvView KvCache::layer(int l) const {
  kernels::KvView view{nullptr, nullptr, heads_, dim_, capacity_, length_, type_};
  view.k = memory_.data() + size_t(l) * 2 * view.bytes();
  view.v = view.k + view.bytes();
  return view;
}

void KvCache::truncate(int length) {
  if (length < length_) length_ = length;
}

}  // namespace apr::model
