#include "model/attention.h"

#include <cmath>

namespace apr::model {

using kernels::Input;
using kernels::Mat;

AttentionWeights bind_attention(Binder& b, const Config& c, const AttentionTraits& traits) {
  const Dim D{"D", c.D}, q_rows{"H·d", c.H * c.d}, kv_rows{"G·d", c.G * c.d}, d{"d", c.d};
  AttentionWeights w;
  w.q = b.matrix("attn_q.weight", q_rows, D);
  w.k = b.matrix("attn_k.weight", kv_rows, D);
  w.v = b.matrix("attn_v.weight", kv_rows, D);
  w.o = b.matrix("attn_output.weight", D, q_rows);
  if (traits.head_norms) {
    w.q_norm = b.vector("attn_q_norm.weight", d);
    w.k_norm = b.vector("attn_k_norm.weight", d);
  }
  if (traits.biases) {
    w.q_bias = b.vector("attn_q.bias", q_rows);
    w.k_bias = b.vector("attn_k.bias", kv_rows);
    w.v_bias = b.vector("attn_v.bias", kv_rows);
  }
  return w;
}

Mat attention(kernels::Ops& op, const Config& c, const AttentionWeights& w, kernels::RopePairs pairs, Mat x, Mat angles,
              std::span<const kernels::Sequence> sequences) {
  Input h = op.input(x);
  Mat q, k, v;  // [T, H·d], [T, G·d], [T, G·d]
  op.project(h, {{w.q, q}, {w.k, k}, {w.v, v}});
  if (w.q_bias) {
    op.add_bias(q, w.q_bias);
    op.add_bias(k, w.k_bias);
    op.add_bias(v, w.v_bias);
  }
  if (w.q_norm) {  // each head over d, before RoPE
    op.rms_norm_heads(q, c.d, w.q_norm, c.eps);
    op.rms_norm_heads(k, c.d, w.k_norm, c.eps);
  }
  op.rope(q, c.d, angles, pairs);
  op.rope(k, c.d, angles, pairs);
  op.append(sequences, k, v);                                                        // at P … of each sequence
  Input o = op.input(op.attend(q, sequences, c.G, c.d, 1 / std::sqrt(float(c.d))));  // [T, H·d]
  return op.project(o, w.o);                                                         // [T, D]
}

}  // namespace apr::model
