// Dense decoders: Llama (arXiv:2302.13971), Qwen2 (arXiv:2407.10671), Qwen3 (arXiv:2505.09388).
//
//   x <- Embed(t);  L times { x <- x + Attn(RMS(x));  x <- x + Down(silu(Gate RMS(x)) * Up RMS(x)) };  logits <- RMS(x)
//   · Outᵀ
//
// Letters as in qwen3_moe.cpp; FF is the feed-forward's width.
#include "model/dense.h"

#include "model/attention.h"
#include "model/bind.h"
#include "model/config.h"

namespace apr::model {
namespace {

using kernels::Input;
using kernels::Mat;
using kernels::Ops;
using kernels::Weight;

struct Layer {
  const float* attn_norm;  // [D]
  AttentionWeights attn;
  const float* ffn_norm;  // [D]
  Weight gate, up;        // [FF, D]
  Weight down;            // [D, FF]
};

class Dense final : public Model {
 public:
  Dense(const gguf::File& file, Placement& placement, const ConfigRules& rules, const AttentionTraits& attention_traits)
      : c(read_config(file, rules)), traits(attention_traits), frequencies(rope_frequencies(file, c)) {
    const Dim V{"V", c.V}, D{"D", c.D}, FF{"FF", c.FF};
    Binder b(file, c.architecture, placement);
    embed = b.table("token_embd.weight", V, D);
    for (int l = 0; l < c.L; ++l) {
      b.layer(l);
      Layer& w = layers.emplace_back();
      w.attn_norm = b.vector("attn_norm.weight", D);
      w.attn = bind_attention(b, c, traits);
      w.ffn_norm = b.vector("ffn_norm.weight", D);
      w.gate = b.matrix("ffn_gate.weight", FF, D);
      w.up = b.matrix("ffn_up.weight", FF, D);
      w.down = b.matrix("ffn_down.weight", D, FF);
    }
    b.layer(-1);
    out_norm = b.vector("output_norm.weight", D);
    out = b.matrix(b.has("output.weight") ? "output.weight" : "token_embd.weight", V, D);  // tied where it has none
    vectors = b.finish();
  }

  const Config& config() const override { return c; }

  Mat forward(Ops& op, std::span<const Token> tokens, std::span<const Slice> slices, Rows rows) const override {
    Batch batch(op, slices);
    Mat x = op.embed(embed, tokens);                                   // [T, D]
    Mat angles = op.rope_angles(batch.layer(0), x.rows, frequencies);  // [T, rope_dims]
    for (int l = 0; l < c.L; ++l) {
      if (op.stopped()) return {};
      const Layer& w = layers[size_t(l)];
      auto scratch = op.scope();
      op.add(x, attention(op, c, w.attn, traits.pairs, op.rms_norm(x, w.attn_norm, c.eps), angles, batch.layer(l)));
      Input h = op.input(op.rms_norm(x, w.ffn_norm, c.eps));
      op.add(x, op.feed_forward(h, w.gate, w.up, w.down));
    }
    batch.advance();  // only now each P grows
    if (rows == Rows::Last) x = op.last_rows(x, batch.layer(0));
    Input h = op.input(op.rms_norm(x, out_norm, c.eps));
    return op.project(h, out);  // [sequences or T, V]
  }

 private:
  Config c;
  AttentionTraits traits;
  std::vector<double> frequencies;  // radians per token
  Weight embed, out;                // [V, D]
  const float* out_norm;            // [D]
  std::vector<Layer> layers;
  std::list<std::vector<float>> vectors;  // what norms and biases point to
};

}  // namespace

std::unique_ptr<Model> load_qwen3(const gguf::File& file, Placement& placement) {
  return std::make_unique<Dense>(file, placement, ConfigRules{}, AttentionTraits{.head_norms = true});
}
std::unique_ptr<Model> load_qwen2(const gguf::File& file, Placement& placement) {
  return std::make_unique<Dense>(file, placement, ConfigRules{}, AttentionTraits{.biases = true});
}
std::unique_ptr<Model> load_llama(const gguf::File& file, Placement& placement) {
  // Converters leave rope.freq_base out for Llama 1 and 2, whose base is the specification's default.
  return std::make_unique<Dense>(file, placement, ConfigRules{.theta_required = false, .default_theta = 10000},
                                 AttentionTraits{.pairs = kernels::RopePairs::Neighbours});
}

}  // namespace apr::model
