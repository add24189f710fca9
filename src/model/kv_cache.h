#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/large_memory.h"
#include "kernels/kv_view.h"
#include "model/config.h"

namespace apr::model {

using kernels::KvType;

/// What a model's cache keeps unless it is told: Q16, F16 where heads have no whole groups of 32, or F32 for files of
/// full precision, which serve as references.
inline KvType default_kv(const Config& c) {
  if (c.full_precision) return KvType::F32;
  return kernels::kv_fits(KvType::Q16, c.d) ? KvType::Q16 : KvType::F16;
}

/// The keys and values of one sequence, for all layers.
///
/// shape   per layer and kv head: K and V in tiles of 16 positions (kernels/kv_view.h), so that a head's keys lie
/// together units   capacity and length in tokens needs   kernels::kv_fits(type, head_dim) errors  constructor: Memory
/// when the allocation fails threads one user at a time
class KvCache {
 public:
  KvCache(int layers, int kv_heads, int head_dim, int capacity, KvType type);
  kernels::KvView layer(int l) const;
  int length() const { return length_; }  ///< P: tokens cached
  int capacity() const { return capacity_; }
  int room() const { return capacity_ - length_; }
  KvType type() const { return type_; }
  void advance(int tokens) { length_ += tokens; }
  void truncate(int length);  ///< forgets all after `length` tokens. needs: length <= length()
  /// Whole tiles are kept: of a capacity of 1 to 16 tokens, 16.
  static uint64_t bytes(int layers, int kv_heads, int head_dim, int capacity, KvType type);

 private:
  int heads_, dim_, capacity_, length_ = 0;
  KvType type_;
  LargeMemory memory_;
};

}  // namespace apr::model
