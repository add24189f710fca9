#pragma once
#include <span>

#include "kernels/ops.h"
#include "model/kv_cache.h"

namespace apr::model {

/// One sequence's share of a pass: the next `tokens` of the pass's tokens extend what is in `kv`.
struct Slice {
  KvCache* kv;
  int tokens;  ///< >= 1: one to decode, more to prefill
};

/// The sequences of one pass, as its verbs see them.
///
/// owns    room in op's arena, until the pass ends
/// threads one user at a time
class Batch {
 public:
  Batch(kernels::Ops& op, std::span<const Slice> slices) : slices_(slices), sequences_(op.sequences(slices.size())) {}
  /// With the caches of a layer; valid until the next call.
  std::span<const kernels::Sequence> layer(int l) {
    for (size_t i = 0; sequences_.data() && i < slices_.size(); ++i)
      sequences_[i] = {slices_[i].kv->layer(l), slices_[i].tokens};
    return sequences_;
  }
  /// The pass is complete: each sequence is longer by its tokens.
  void advance() const {
    for (const Slice& s : slices_) s.kv->advance(s.tokens);
  }

 private:
  std::span<const Slice> slices_;
  std::span<kernels::Sequence> sequences_;
};

}  // namespace apr::model
