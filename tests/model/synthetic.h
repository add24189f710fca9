#pragma once
// Small models of every architecture with seeded random weights, as parts that a test can change before they become a
// GGUF file. Sizes are chosen so that mistakes show: no two that could be mixed up are equal, heads come in groups of
// three, norms are far from 1.
#include <cmath>
#include <cstdint>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gguf/file.h"
#include "gguf/writer.h"
#include "quant/reference.h"
#include "quant/types.h"

namespace apr::test {

/// Letters as in the model files.
struct Sizes {
  std::string architecture = "qwen3moe";
  quant::Type type = quant::Type::F32;  ///< of every matrix but the router, which is F32
  int L = 2, D = 64, H = 6, G = 2, d = 32, V = 97, E = 8, K = 3, F = 32, FF = 96;
  double theta = 1e6;
  bool tied = false;  ///< no output.weight
  unsigned seed = 1;
  bool moe() const { return architecture == "qwen3moe"; }
  bool head_norms() const { return architecture == "qwen3moe" || architecture == "qwen3"; }
};

inline void PrintTo(const Sizes& s, std::ostream* out) { *out << s.architecture << ' ' << quant::info(s.type).name; }

/// Sizes that whole blocks of any type fit.
inline Sizes blocks_of_256(Sizes s) {
  s.D = 256, s.d = 128, s.F = 256, s.FF = 512;
  return s;
}

/// Random numbers that are the same with every standard library.
class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  uint32_t bits() { return uint32_t(engine_()); }
  double between(double low, double high) { return low + (high - low) * bits() / 4294967296.0; }
  /// Mean 0, the given deviation, bounded.
  double spread(double deviation) { return between(-std::sqrt(3.0), std::sqrt(3.0)) * deviation; }

 private:
  std::mt19937 engine_;
};

namespace synthetic {

inline void put_half(Bytes& to, size_t at, double value) {
  const uint16_t half = nearest_half(value);
  std::memcpy(to.data() + at, &half, 2);
}

struct Moments {
  double mean, deviation;
};
/// Of the decoded elements when every block's halves are `scale` and `min`.
inline Moments moments(quant::Type type, Bytes blocks, double scale, double min) {
  const quant::TypeInfo& t = quant::info(type);
  const std::vector<int> halves = half_offsets(type);
  for (size_t at = 0; at < blocks.size(); at += t.block_bytes) {
    put_half(blocks, at + size_t(halves[0]), scale);
    if (halves.size() > 1) put_half(blocks, at + size_t(halves[1]), min);
  }
  std::vector<float> x(blocks.size() / t.block_bytes * t.block_len);
  quant::decode(type, blocks.data(), x.size(), x.data());
  double sum = 0, squares = 0;
  for (const float v : x) sum += v, squares += double(v) * v;
  const double n = double(x.size()), mean = sum / n;
  return {mean, std::sqrt(squares / n - mean * mean)};
}

/// Blocks of random codes. Their halves are set so that the decoded weights have mean 0 (where the type has a min) and
/// about the given deviation, from half to one and a half of it from block to block.
inline Bytes quantised(quant::Type type, size_t n, double deviation, Dice& dice) {
  const quant::TypeInfo& t = quant::info(type);
  const std::vector<int> halves = half_offsets(type);
  Bytes out(n / t.block_len * t.block_bytes);
  for (std::byte& b : out) b = std::byte(dice.bits());
  const bool has_min = halves.size() > 1;
  const double min = has_min ? -moments(type, out, 1, 0).mean / moments(type, out, 0, 1).mean : 0;  // per unit of scale
  const double scale = deviation / moments(type, out, 1, min).deviation;
  for (size_t at = 0; at < out.size(); at += t.block_bytes) {
    const double s = scale * dice.between(0.5, 1.5);
    put_half(out, at + size_t(halves[0]), s);
    if (has_min) put_half(out, at + size_t(halves[1]), s * min);
  }
  return out;
}

inline Bytes floats(quant::Type type, size_t n, double mean, double deviation, Dice& dice) {
  Bytes out;
  for (size_t i = 0; i < n; ++i) {
    const float f = float(mean + dice.spread(deviation));
    if (type == quant::Type::F32) put(out, f);
    if (type == quant::Type::F16) put(out, nearest_half(f));
    if (type == quant::Type::BF16) put_raw(out, reinterpret_cast<const char*>(&f) + 2, 2);
  }
  return out;
}

}  // namespace synthetic

inline Bytes random_weights(quant::Type type, size_t n, double mean, double deviation, Dice& dice) {
  return quant::info(type).quantised() ? synthetic::quantised(type, n, deviation, dice)
                                       : synthetic::floats(type, n, mean, deviation, dice);
}

/// A model file in parts.
struct Synthetic {
  using Value =
      std::variant<bool, int8_t, uint32_t, int32_t, uint64_t, float, double, std::string, std::vector<uint32_t>>;
  struct Key {
    std::string name;
    Value value;
  };
  struct Tensor {
    std::string name;
    quant::Type type;
    std::vector<uint64_t> shape;  ///< [outer, inner]
    Bytes data;
  };
  std::string prefix;  ///< of the architecture's keys: "qwen3moe"
  std::vector<Key> keys;
  std::vector<Tensor> tensors;

  /// "block_count" is the architecture's; "general.architecture" stays.
  std::string full(const std::string& key) const { return key.starts_with("general.") ? key : prefix + "." + key; }

  Synthetic& set(const std::string& key, Value value) {
    for (Key& k : keys) {
      if (k.name == full(key)) return k.value = std::move(value), *this;
    }
    keys.push_back({full(key), std::move(value)});
    return *this;
  }
  Synthetic& set_size(const std::string& key, int value) { return set(key, uint32_t(value)); }
  Synthetic& drop(const std::string& key) {
    std::erase_if(keys, [&](const Key& k) { return k.name == full(key); });
    return *this;
  }
  Tensor* find(const std::string& name) {
    for (Tensor& t : tensors) {
      if (t.name == name) return &t;
    }
    return nullptr;
  }
  Synthetic& drop_tensor(const std::string& name) {
    std::erase_if(tensors, [&](const Tensor& t) { return t.name == name; });
    return *this;
  }
  /// Gives a tensor another shape and type, and data (zeros) to fit.
  Synthetic& reshape(const std::string& name, std::vector<uint64_t> shape, quant::Type type = quant::Type::F32) {
    drop_tensor(name);
    size_t n = 1;
    for (const uint64_t size : shape) n *= size;
    tensors.push_back({name, type, std::move(shape), Bytes(quant::info(type).row_bytes(n))});
    return *this;
  }

  Bytes bytes() const {
    GgufWriter w;
    for (const Key& k : keys) std::visit([&](const auto& v) { w.add(k.name, v); }, k.value);
    for (const Tensor& t : tensors) w.tensor(t.name, t.type, t.shape, t.data);
    return w.bytes();
  }
  gguf::File file() const { return gguf::File::parse(bytes()); }
};

namespace synthetic {

inline void add_keys(Synthetic& m, const Sizes& s) {
  m.prefix = s.architecture;
  m.set("general.architecture", s.architecture);
  m.set_size("block_count", s.L).set_size("context_length", 4096).set_size("embedding_length", s.D);
  m.set_size("attention.head_count", s.H).set_size("attention.head_count_kv", s.G);
  m.set_size("attention.key_length", s.d).set_size("attention.value_length", s.d);
  m.set("attention.layer_norm_rms_epsilon", 1e-3f);  // large enough to be missed where it is left out
  m.set("rope.freq_base", float(s.theta));
  m.set_size("feed_forward_length", s.FF);
  if (!s.moe()) return;
  m.set_size("expert_count", s.E).set_size("expert_used_count", s.K).set_size("expert_feed_forward_length", s.F);
}

/// Adds tensors, each with its own random numbers.
class Filler {
 public:
  Filler(Synthetic& m, const Sizes& s) : m_(m), s_(s), dice_(s.seed) {}
  void matrix(const std::string& name, std::vector<uint64_t> shape, double gain) {
    add(name, s_.type, std::move(shape), 0, gain);
  }
  void router(const std::string& name) { add(name, quant::Type::F32, {uint64_t(s_.E), uint64_t(s_.D)}, 0, 2); }
  void vector(const std::string& name, int n, double mean, double deviation) {
    m_.tensors.push_back(
        {name, quant::Type::F32, {uint64_t(n)}, random_weights(quant::Type::F32, size_t(n), mean, deviation, dice_)});
  }
  void norm(const std::string& name, int n) { vector(name, n, 1, 0.3); }

 private:
  /// Deviation gain / sqrt(columns): a normalised row comes out with about that size.
  void add(const std::string& name, quant::Type type, std::vector<uint64_t> shape, double mean, double gain) {
    size_t n = 1;
    for (const uint64_t size : shape) n *= size;
    const double deviation = gain / std::sqrt(double(shape.back()));
    m_.tensors.push_back({name, type, std::move(shape), random_weights(type, n, mean, deviation, dice_)});
  }
  Synthetic& m_;
  const Sizes& s_;
  Dice dice_;
};

inline void add_attention(Filler& fill, const Sizes& s, const std::string& layer) {
  const auto D = uint64_t(s.D), q = uint64_t(s.H) * uint64_t(s.d), kv = uint64_t(s.G) * uint64_t(s.d);
  fill.norm(layer + "attn_norm.weight", s.D);
  fill.matrix(layer + "attn_q.weight", {q, D}, 1.5);  // scores far enough apart for attention to choose
  fill.matrix(layer + "attn_k.weight", {kv, D}, 1.5);
  fill.matrix(layer + "attn_v.weight", {kv, D}, 1);
  fill.matrix(layer + "attn_output.weight", {D, q}, 2);
  if (s.head_norms()) {
    fill.norm(layer + "attn_q_norm.weight", s.d);
    fill.norm(layer + "attn_k_norm.weight", s.d);
  }
  if (s.architecture == "qwen2") {
    fill.vector(layer + "attn_q.bias", int(q), 0, 0.7);
    fill.vector(layer + "attn_k.bias", int(kv), 0, 0.7);
    fill.vector(layer + "attn_v.bias", int(kv), 0, 0.7);
  }
}

inline void add_feed_forward(Filler& fill, const Sizes& s, const std::string& layer) {
  const auto D = uint64_t(s.D), E = uint64_t(s.E), F = uint64_t(s.F), FF = uint64_t(s.FF);
  fill.norm(layer + "ffn_norm.weight", s.D);
  if (s.moe()) {
    fill.router(layer + "ffn_gate_inp.weight");
    fill.matrix(layer + "ffn_gate_exps.weight", {E, F, D}, 1.5);
    fill.matrix(layer + "ffn_up_exps.weight", {E, F, D}, 1.5);
    fill.matrix(layer + "ffn_down_exps.weight", {E, D, F}, 1.5);
  } else {
    fill.matrix(layer + "ffn_gate.weight", {FF, D}, 1.5);
    fill.matrix(layer + "ffn_up.weight", {FF, D}, 1.5);
    fill.matrix(layer + "ffn_down.weight", {D, FF}, 1.5);
  }
}

}  // namespace synthetic

/// A whole model. Llama files get frequency factors from 1 to 8.
inline Synthetic make_model(const Sizes& s) {
  Synthetic m;
  synthetic::add_keys(m, s);
  synthetic::Filler fill(m, s);
  fill.matrix("token_embd.weight", {uint64_t(s.V), uint64_t(s.D)}, std::sqrt(double(s.D)));
  if (s.architecture == "llama") fill.vector("rope_freqs.weight", s.d / 2, 4.5, 2);
  for (int l = 0; l < s.L; ++l) {
    const std::string layer = "blk." + std::to_string(l) + ".";
    synthetic::add_attention(fill, s, layer);
    synthetic::add_feed_forward(fill, s, layer);
  }
  fill.norm("output_norm.weight", s.D);
  if (!s.tied) fill.matrix("output.weight", {uint64_t(s.V), uint64_t(s.D)}, 1);
  return m;
}

}  // namespace apr::test
