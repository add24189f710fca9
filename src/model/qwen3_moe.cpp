// The Qwen3 mixture-of-experts decoder (arXiv:2505.09388, section 2).
//
//   x <- Embed(t);  L times { x <- x + Attn(RMS(x));  x <- x + MoE(RMS(x)) };  logits <- RMS(x) · Outᵀ
//
// T tokens in this call    P tokens that a sequence has cached    D width    L layers    V vocabulary
// H query heads, G kv heads, d per head    E experts, K kept per token, F expert width
// Shapes are [outer, inner]. Scratch is op's arena: forward does not allocate, fail or log.
#include "model/qwen3_moe.h"

#include "model/attention.h"
#include "model/bind.h"
#include "model/config.h"

namespace apr::model {
namespace {

using kernels::ExpertWeights;
using kernels::Input;
using kernels::Mat;
using kernels::Ops;
using kernels::Weight;

constexpr AttentionTraits kTraits{.head_norms = true, .biases = false, .pairs = kernels::RopePairs::Halves};

struct Layer {
  const float* attn_norm;  // [D]
  AttentionWeights attn;
  const float* ffn_norm;   // [D]
  Weight router;           // [E, D]
  ExpertWeights gate, up;  // [E, F, D]
  ExpertWeights down;      // [E, D, F]
};

class Qwen3Moe final : public Model {
 public:
  Qwen3Moe(const gguf::File& file, Placement& placement)
      : c(read_config(file, {.experts = true})), frequencies(rope_frequencies(file, c)) {
    const Dim V{"V", c.V}, D{"D", c.D}, E{"E", c.E}, F{"F", c.F};
    Binder b(file, c.architecture, placement);
    embed = b.table("token_embd.weight", V, D);
    for (int l = 0; l < c.L; ++l) {
      b.layer(l);
      Layer& w = layers.emplace_back();
      w.attn_norm = b.vector("attn_norm.weight", D);
      w.attn = bind_attention(b, c, kTraits);
      w.ffn_norm = b.vector("ffn_norm.weight", D);
      w.router = b.matrix("ffn_gate_inp.weight", E, D);
      w.gate = b.experts("ffn_gate_exps.weight", E, F, D);
      w.up = b.experts("ffn_up_exps.weight", E, F, D);
      w.down = b.experts("ffn_down_exps.weight", E, D, F);
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
    Mat angles = op.rope_angles(batch.layer(0), x.rows, frequencies);  // [T, d]
    for (int l = 0; l < c.L; ++l) {
      if (op.stopped()) return {};
      const Layer& w = layers[size_t(l)];
      auto scratch = op.scope();
      op.add(x, attention(op, c, w.attn, kTraits.pairs, op.rms_norm(x, w.attn_norm, c.eps), angles, batch.layer(l)));
      op.add(x, moe(op, w, op.rms_norm(x, w.ffn_norm, c.eps)));
    }
    batch.advance();  // only now each P grows
    if (rows == Rows::Last) x = op.last_rows(x, batch.layer(0));
    Input h = op.input(op.rms_norm(x, out_norm, c.eps));
    return op.project(h, out);  // [sequences or T, V]
  }

 private:
  // Sparse experts: p = softmax over all E in f32, the K largest, rescaled to sum 1. Each expert is a SwiGLU
  // (arXiv:2002.05202); Qwen3 has no shared expert. Experts add in id order, so the order of a token's sum does not
  // depend on T.
  Mat moe(Ops& op, const Layer& w, Mat x) const {
    Input h = op.input(x);
    kernels::Routing r = op.route(op.project(h, w.router), c.K);  // T·K (token, expert, weight)
    return op.experts(h, r, w.gate, w.up, w.down);                // [T, D]
  }

  Config c;
  std::vector<double> frequencies;  // [d / 2] radians per token
  Weight embed, out;                // [V, D]
  const float* out_norm;            // [D]
  std::vector<Layer> layers;
  std::list<std::vector<float>> vectors;  // what the norms point to
};

}  // namespace

std::unique_ptr<Model> load_qwen3_moe(const gguf::File& file, Placement& placement) {
  return std::make_unique<Qwen3Moe>(file, placement);
}

}  // namespace apr::model
