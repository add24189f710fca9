#include "model/config.h"

#include <fmt/ranges.h>

#include <cmath>

#include "base/error.h"
#include "base/printable.h"
#include "quant/types.h"

namespace apr::model {
namespace {

// Far above any model there is; low enough that no product of two overflows.
constexpr uint64_t kMostLayers = 4096, kMostWidth = 1u << 20, kMostVocabulary = 1u << 24, kMostContext = 1u << 30;

/// Reads keys under "ARCH." and says in one sentence what is wrong with one.
class Keys {
 public:
  explicit Keys(const gguf::File& file) : meta_(file.metadata()), arch_(meta_.require_string("general.architecture")) {}
  const std::string& architecture() const { return arch_; }
  std::string name(const char* key) const { return arch_ + "." + key; }
  bool has(const char* key) const { return meta_.find(name(key)) != nullptr; }

  int size(const char* key, uint64_t most) const {
    const uint64_t v = meta_.require_u64(name(key));
    if (v == 0 || v > most)
      fail(ErrorCode::BadModel, "{}: found {}, expected 1 to {}; the file is damaged or not a {} model", name(key), v,
           most, arch_);
    return int(v);
  }
  int size_or(const char* key, uint64_t most, int otherwise) const { return has(key) ? size(key, most) : otherwise; }
  double number(const char* key) const { return meta_.require_f64(name(key)); }

  // Each refuses a feature whose key says that the model uses it.

  void refuse_experts() const {
    if (meta_.u64(name("expert_count")).value_or(0) > 0) {
      fail(ErrorCode::UnsupportedOperation,
           "{}: {} models with experts are not built; of the mixture-of-experts models, qwen3moe is",
           name("expert_count"), arch_);
    }
  }
  void refuse_scaling() const {
    const std::string* type = meta_.string(name("rope.scaling.type"));
    if (type && *type == "none") return;  // then the rest means nothing
    for (const char* key : {"rope.scaling.factor", "rope.scale_linear"}) {
      if (const double factor = meta_.f64(name(key)).value_or(1); factor != 1 && factor != 0) {
        fail(ErrorCode::UnsupportedOperation, "{}: found {}; RoPE scaled by a factor is not built", name(key), factor);
      }
    }
    if (type) {
      fail(ErrorCode::UnsupportedOperation,
           "{}: rope scaling '{}' is not built; only unscaled RoPE and llama-3 factors (rope_freqs.weight) are",
           name("rope.scaling.type"), printable(*type));
    }
  }
  /// Features of related architectures, each off when its key is missing or has one of two values.
  void refuse_variants() const {
    constexpr struct {
      const char* key;
      double off, also_off;
    } kVariants[] = {
        {"expert_weights_scale", 1, 0},
        {"expert_weights_norm", 1, 1},
        {"expert_gating_func", 1, 0},
        {"expert_shared_count", 0, 0},
        {"expert_group_count", 1, 0},
        {"leading_dense_block_count", 0, 0},
        {"interleave_moe_layer_step", 1, 0},
        {"attention.causal", 1, 1},
        {"attention.clamp_kqv", 0, 0},
        {"attention.max_alibi_bias", 0, 0},
        {"attention.logit_softcapping", 0, 0},
        {"attn_logit_softcapping", 0, 0},
        {"final_logit_softcapping", 0, 0},
        {"logit_scale", 1, 0},
        {"embedding_scale", 1, 0},
        {"residual_scale", 1, 0},
        {"use_parallel_residual", 0, 0},
    };
    for (const auto& v : kVariants) {
      const gguf::Value* value = meta_.find(name(v.key));
      if (!value) continue;
      const bool* flag = std::get_if<bool>(&value->v);
      const double found = flag ? double(*flag) : meta_.require_f64(name(v.key));
      if (found == v.off || found == v.also_off) continue;
      fail(ErrorCode::UnsupportedOperation, "{}: found {}; {} models with this feature are not built", name(v.key),
           found, arch_);
    }
  }
  void refuse_window() const {
    const auto window = meta_.u64(name("attention.sliding_window"));
    if (window && *window != 0) {
      fail(ErrorCode::UnsupportedOperation, "{}: sliding-window attention ({} tokens) is not built",
           name("attention.sliding_window"), *window);
    }
  }

 private:
  const gguf::Metadata& meta_;
  const std::string& arch_;
};

void read_attention(const Keys& keys, Config& c) {
  c.H = keys.size("attention.head_count", 4096);
  c.G = keys.size_or("attention.head_count_kv", 4096, c.H);
  if (c.H % c.G != 0) {
    fail(ErrorCode::BadModel, "{}: {} query heads do not divide among {} kv heads; expected a multiple",
         keys.name("attention.head_count"), c.H, c.G);
  }
  if (!keys.has("attention.key_length") && c.D % c.H != 0) {
    fail(ErrorCode::BadModel, "{}: width {} does not divide among {} heads, and {} is missing",
         keys.name("embedding_length"), c.D, c.H, keys.name("attention.key_length"));
  }
  c.d = keys.size_or("attention.key_length", 1024, c.D / c.H);
  const int value = keys.size_or("attention.value_length", 1024, c.d);
  if (value != c.d) {
    fail(ErrorCode::UnsupportedOperation,
         "{}: found {}, keys have {}; heads whose keys and values differ in width are not built",
         keys.name("attention.value_length"), value, c.d);
  }
  if (c.d % 2 != 0)
    fail(ErrorCode::BadModel, "{}: found {}, expected an even number (RoPE turns pairs)",
         keys.name("attention.key_length"), c.d);
  if (keys.has("attention.scale") && std::abs(keys.number("attention.scale") * std::sqrt(double(c.d)) - 1) > 1e-5) {
    fail(ErrorCode::UnsupportedOperation, "{}: found {}; scales other than 1 / sqrt({}) are not built",
         keys.name("attention.scale"), keys.number("attention.scale"), c.d);
  }
  c.eps = float(keys.number("attention.layer_norm_rms_epsilon"));
  if (!(c.eps > 0 && c.eps < 1)) {
    fail(ErrorCode::BadModel, "{}: found {}, expected a number between 0 and 1",
         keys.name("attention.layer_norm_rms_epsilon"), c.eps);
  }
  keys.refuse_window();
}

void read_rope(const Keys& keys, const ConfigRules& rules, Config& c) {
  c.rope_theta =
      rules.theta_required || keys.has("rope.freq_base") ? keys.number("rope.freq_base") : rules.default_theta;
  if (!(c.rope_theta > 1 && c.rope_theta < 1e12)) {
    fail(ErrorCode::BadModel, "{}: found {}, expected a base above 1", keys.name("rope.freq_base"), c.rope_theta);
  }
  c.rope_dims = keys.size_or("rope.dimension_count", 1024, c.d);
  if (c.rope_dims > c.d || c.rope_dims % 2 != 0) {
    fail(ErrorCode::BadModel, "{}: found {}, expected an even number up to the head width {}",
         keys.name("rope.dimension_count"), c.rope_dims, c.d);
  }
  keys.refuse_scaling();
}

void read_experts(const Keys& keys, Config& c) {
  c.E = keys.size("expert_count", 4096);
  c.K = keys.size("expert_used_count", 4096);
  c.F = keys.size("expert_feed_forward_length", kMostWidth);
  if (c.K > c.E) {
    fail(ErrorCode::BadModel, "{}: found {}, but {} is only {}; expected at most that", keys.name("expert_used_count"),
         c.K, keys.name("expert_count"), c.E);
  }
}

}  // namespace

Config read_config(const gguf::File& file, const ConfigRules& rules) {
  const Keys keys(file);
  keys.refuse_variants();
  Config c;
  c.architecture = keys.architecture();
  c.L = keys.size("block_count", kMostLayers);
  c.D = keys.size("embedding_length", kMostWidth);
  c.context = keys.size("context_length", kMostContext);
  read_attention(keys, c);
  read_rope(keys, rules, c);
  if (rules.experts) {
    read_experts(keys, c);
  } else {
    keys.refuse_experts();
    c.FF = keys.size("feed_forward_length", kMostWidth);
  }
  const gguf::Tensor* embedding = file.find("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2 || embedding->shape[0] > kMostVocabulary) {
    fail(ErrorCode::BadModel, "token_embd.weight: {}; expected a matrix [V, D] of token embeddings",
         embedding ? fmt::format("shape [{}]", fmt::join(embedding->shape, ", ")) : "not in the file");
  }
  c.V = int(embedding->shape[0]);
  if (keys.has("vocab_size") && keys.size("vocab_size", kMostVocabulary) != c.V) {
    fail(ErrorCode::BadModel, "{}: found {}, but token_embd.weight has {} rows", keys.name("vocab_size"),
         keys.size("vocab_size", kMostVocabulary), c.V);
  }
  c.full_precision = true;
  for (const gguf::Tensor& t : file.tensors()) c.full_precision &= !quant::info(t.type).quantised();
  return c;
}

std::vector<double> rope_frequencies(const gguf::File& file, const Config& c) {
  std::vector<double> frequencies(size_t(c.rope_dims / 2));
  for (size_t i = 0; i < frequencies.size(); ++i)
    frequencies[i] = std::pow(c.rope_theta, -2.0 * double(i) / c.rope_dims);
  const gguf::Tensor* factors = file.find("rope_freqs.weight");
  if (!factors) return frequencies;
  if (factors->elements() != frequencies.size() || factors->type != quant::Type::F32) {
    fail(ErrorCode::BadModel, "rope_freqs.weight: found {} numbers of type {}, expected {} of type F32",
         factors->elements(), quant::info(factors->type).name, frequencies.size());
  }
  std::vector<float> f(frequencies.size());
  quant::decode(quant::Type::F32, factors->data.data(), f.size(), f.data());
  for (size_t i = 0; i < f.size(); ++i) {
    if (!(f[i] > 0 && f[i] < 1e9f))
      fail(ErrorCode::BadModel, "rope_freqs.weight: number {} is {}, expected a positive factor", i, f[i]);
    frequencies[i] /= double(f[i]);
  }
  return frequencies;
}

}  // namespace apr::model
