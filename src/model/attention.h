#pragma once
#include "kernels/ops.h"
#include "model/bind.h"
#include "model/config.h"
#include "model/kv_cache.h"

namespace apr::model {

/// The weights of one attention block. Optional ones are null where the architecture has none.
struct AttentionWeights {
  kernels::Weight q, k, v, o;                                           ///< [H·d, D], [G·d, D], [G·d, D], [D, H·d]
  const float *q_norm = nullptr, *k_norm = nullptr;                     ///< [d]: Qwen3
  const float *q_bias = nullptr, *k_bias = nullptr, *v_bias = nullptr;  ///< [H·d], [G·d], [G·d]: Qwen2
};

/// Binds the four projections, and norms or biases where asked for.
struct AttentionTraits {
  bool head_norms = false, biases = false;
  kernels::RopePairs pairs = kernels::RopePairs::Halves;
};
AttentionWeights bind_attention(Binder& b, const Config& c, const AttentionTraits& traits);

/// Grouped-query attention (arXiv:2305.13245) over these tokens and the caches of their sequences.
///
/// shape   x [T, D] normalised · angles [T, rope_dims] from Ops::rope_angles · result [T, D]
/// needs   room in each cache for its sequence's rows, which are written at kv.length …
kernels::Mat attention(kernels::Ops& op, const Config& c, const AttentionWeights& w, kernels::RopePairs pairs,
                       kernels::Mat x, kernels::Mat angles, std::span<const kernels::Sequence> sequences);

}  // namespace apr::model
