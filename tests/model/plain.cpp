#include "model/plain.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "quant/reference.h"
#include "quant/types.h"

namespace apr::test {
namespace {

using Row = Plain::Row;
using Matrix = Plain::Matrix;

constexpr double kUlp = 0x1p-24;  // half a unit in the last place of 1: one rounding's relative error

double norm(const double* x, size_t n) { return std::sqrt(std::inner_product(x, x + n, x, 0.0)); }

}  // namespace

Matrix Plain::matrix(const gguf::File& file, const std::string& name, int index) const {
  const gguf::Tensor* t = file.find(name);
  if (!t) return {};
  const size_t dims = t->shape.size(), rows = t->shape[dims - 2], columns = t->shape[dims - 1], n = rows * columns;
  std::vector<float> w(n);
  const std::byte* from = t->data.data() + size_t(index) * quant::info(t->type).row_bytes(n);
  quant::decode(t->type, from, n, w.data());
  return {int(rows), int(columns), quant::info(t->type).quantised(), {w.begin(), w.end()}};
}

Row Plain::vector(const gguf::File& file, const std::string& name) const {
  const gguf::Tensor* t = file.find(name);
  if (!t) return {};
  std::vector<float> v(t->elements());
  quant::decode(t->type, t->data.data(), v.size(), v.data());
  return {v.begin(), v.end()};
}

Plain::Layer Plain::layer(const gguf::File& file, const std::string& prefix) const {
  const auto mat = [&](const char* name, int index = 0) { return matrix(file, prefix + name + ".weight", index); };
  const auto vec = [&](const char* name) { return vector(file, prefix + name); };
  Layer w;
  w.attn_norm = vec("attn_norm.weight"), w.ffn_norm = vec("ffn_norm.weight");
  w.q_norm = vec("attn_q_norm.weight"), w.k_norm = vec("attn_k_norm.weight");
  w.q_bias = vec("attn_q.bias"), w.k_bias = vec("attn_k.bias"), w.v_bias = vec("attn_v.bias");
  w.q = mat("attn_q"), w.k = mat("attn_k"), w.v = mat("attn_v"), w.o = mat("attn_output");
  w.router = mat("ffn_gate_inp");
  for (int e = 0; e < w.router.rows; ++e)
    w.experts.push_back({mat("ffn_gate_exps", e), mat("ffn_up_exps", e), mat("ffn_down_exps", e)});
  if (!w.router) w.experts.push_back({mat("ffn_gate"), mat("ffn_up"), mat("ffn_down")});
  return w;
}

Plain::Plain(const gguf::File& file) {
  const gguf::Metadata& meta = file.metadata();
  architecture_ = *meta.string("general.architecture");
  const auto number = [&](const char* key) { return meta.f64(architecture_ + "." + key); };
  heads_ = int(*number("attention.head_count"));
  kv_heads_ = int(number("attention.head_count_kv").value_or(heads_));
  d_ = int(number("attention.key_length").value_or(*number("embedding_length") / heads_));
  kept_ = int(number("expert_used_count").value_or(1));
  eps_ = double(float(*number("attention.layer_norm_rms_epsilon")));
  theta_ = number("rope.freq_base").value_or(10000);
  neighbours_ = architecture_ == "llama";
  embed_ = matrix(file, "token_embd.weight");
  out_ = file.find("output.weight") ? matrix(file, "output.weight") : embed_;
  out_norm_ = vector(file, "output_norm.weight");
  factors_ = vector(file, "rope_freqs.weight");
  for (int l = 0; l < int(*number("block_count")); ++l)
    layers_.push_back(layer(file, "blk." + std::to_string(l) + "."));
}

/// One pass over a whole sequence.
class PlainPass {
 public:
  PlainPass(const Plain& model, const PlainOptions& options) : m_(model), o_(options), random_(options.noise_seed) {}

  std::vector<Row> run(std::span<const int> tokens) {
    std::vector<Row> x;
    for (const int t : tokens) {
      const auto row = m_.embed_.w.begin() + ptrdiff_t(t) * m_.embed_.columns;
      x.emplace_back(row, row + m_.embed_.columns);
    }
    for (const Plain::Layer& w : m_.layers_) {
      const std::vector<Row> a = attention(w, x);
      for (size_t t = 0; t < x.size(); ++t) add(x[t], a[t]);
      for (Row& row : x) add(row, feed_forward(w, rms_norm(row, w.ffn_norm)));
    }
    for (Row& row : x) row = times(m_.out_, rms_norm(row, m_.out_norm_));
    return x;
  }

 private:
  /// A number at random from -most … most; 0 in an exact pass.
  double noise(double most) { return o_.noise_seed ? most * (2.0 * double(random_()) / 4294967295.0 - 1.0) : 0.0; }
  void jitter(Row& x, double relative) {
    for (double& v : x) v += noise(std::fabs(v) * relative);
  }

  void add(Row& x, const Row& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
    jitter(x, kUlp);
  }

  /// y = x / sqrt(mean(x^2) + eps) * weight (arXiv:1910.07467). The squares are a sum of non-negative numbers: each is
  /// rounded n / 16 + 4 times on its way, half of which reaches the root; six more roundings follow.
  Row rms_norm(Row x, const Row& weight) {
    const double n = double(x.size()), mean_square = std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / n;
    const double common = 1 + noise((n / 32 + 5) * kUlp);
    for (size_t i = 0; i < x.size(); ++i) x[i] = x[i] / std::sqrt(mean_square + m_.eps_) * weight[i] * common;
    jitter(x, 2 * kUlp);
    return x;
  }

  /// Each head of d by itself.
  void norm_heads(Row& x, const Row& weight) {
    if (weight.empty()) return;
    for (auto head = x.begin(); head != x.end(); head += m_.d_) {
      const Row y = rms_norm(Row(head, head + m_.d_), weight);
      std::copy(y.begin(), y.end(), head);
    }
  }

  /// 32 at a time: the largest magnitude becomes code 127.
  Row as_int8(Row x) {
    for (size_t start = 0; start < x.size(); start += 32) {
      const size_t end = std::min(start + 32, x.size());
      double most = 0;
      for (size_t i = start; i < end; ++i) most = std::max(most, std::fabs(x[i]));
      for (size_t i = start; i < end && most > 0; ++i) x[i] = std::nearbyint(x[i] * 127 / most) * most / 127;
    }
    return x;
  }

  /// W x. A sum of n products in 16 lanes rounds each term at most n / 16 + 4 times, so its error is below that many
  /// half-ulps of sum |w x| <= |w| |x|. Integer products have fewer roundings: two per 16 columns, and one for the
  /// scale.
  Row times(const Matrix& w, Row x) {
    if (w.quantised && o_.int8_inputs) x = as_int8(std::move(x));
    Row y(size_t(w.rows));
    const size_t n = x.size();
    const double roundings = double(n) / 16 + 4 + (w.quantised ? double(n) / 16 + 4 : 0), size = norm(x.data(), n);
    for (size_t r = 0; r < y.size(); ++r) {
      const double* row = w.w.data() + r * n;
      y[r] = std::inner_product(row, row + n, x.begin(), 0.0);
      if (o_.noise_seed) y[r] += noise(roundings * kUlp * norm(row, n) * size);
    }
    return y;
  }

  /// arXiv:2104.09864: pair i turns by position * theta^(-2 i / d). Pairs are (i, i + d/2), or (2 i, 2 i + 1) in llama
  /// files.
  void rope(Row& x, int position) {
    const int half = m_.d_ / 2;
    for (auto head = x.begin(); head != x.end(); head += m_.d_) {
      for (int i = 0; i < half; ++i) {
        double angle = position * std::pow(m_.theta_, -2.0 * i / m_.d_);
        if (!m_.factors_.empty()) angle /= m_.factors_[size_t(i)];
        double& a = head[m_.neighbours_ ? 2 * i : i];
        double& b = head[m_.neighbours_ ? 2 * i + 1 : i + half];
        const double a0 = a, b0 = b, error = 3 * kUlp * std::hypot(a, b);
        a = a0 * std::cos(angle) - b0 * std::sin(angle) + noise(error);
        b = a0 * std::sin(angle) + b0 * std::cos(angle) + noise(error);
      }
    }
  }

  void add_bias(Row& x, const Row& bias) {
    if (!bias.empty()) add(x, bias);
  }
  void store(Row& x) const {
    for (double& v : x) v = o_.half_cache ? half_value(nearest_half(v)) : v;
  }

  /// arXiv:2305.13245: query head h reads kv head h / (H / G); row t sees positions 0 … t.
  std::vector<Row> attention(const Plain::Layer& w, const std::vector<Row>& x) {
    std::vector<Row> keys, values, out;
    for (size_t t = 0; t < x.size(); ++t) {
      const Row h = rms_norm(x[t], w.attn_norm);
      Row q = times(w.q, h), k = times(w.k, h), v = times(w.v, h);
      add_bias(q, w.q_bias), add_bias(k, w.k_bias), add_bias(v, w.v_bias);
      norm_heads(q, w.q_norm), norm_heads(k, w.k_norm);
      rope(q, int(t)), rope(k, int(t));
      store(k), store(v);
      keys.push_back(k), values.push_back(v);
      Row all;
      for (int head = 0; head < m_.heads_; ++head) {
        const Row o = one_head(q, head, keys, values);
        all.insert(all.end(), o.begin(), o.end());
      }
      out.push_back(times(w.o, std::move(all)));
    }
    return out;
  }

  Row one_head(const Row& q, int head, const std::vector<Row>& keys, const std::vector<Row>& values) {
    const size_t d = size_t(m_.d_), q0 = size_t(head) * d, kv0 = size_t(head / (m_.heads_ / m_.kv_heads_)) * d;
    Row score;
    for (const Row& k : keys) {
      const double dot =
          std::inner_product(q.begin() + ptrdiff_t(q0), q.begin() + ptrdiff_t(q0 + d), k.begin() + ptrdiff_t(kv0), 0.0);
      const double error = (double(d) / 16 + 6) * kUlp * norm(&q[q0], d) * norm(&k[kv0], d);
      score.push_back((dot + noise(error)) / std::sqrt(double(d)));
    }
    softmax(score);
    Row o(d, 0.0), size(d, 0.0);
    for (size_t t = 0; t < keys.size(); ++t) {
      for (size_t i = 0; i < d; ++i) {
        const double term = score[t] * values[t][kv0 + i];
        o[i] += term, size[i] += std::fabs(term);
      }
    }
    // Values are added key by key: as many roundings, and two per block of 64 when the largest score moves.
    for (size_t i = 0; i < d; ++i) o[i] += noise(size[i] * double(keys.size() + keys.size() / 32 + 4) * kUlp);
    return o;
  }

  /// exp is right to 2 half-ulps, and its argument was rounded: as large an error as the argument's own size.
  void softmax(Row& x) {
    const double most = *std::max_element(x.begin(), x.end());
    for (double& v : x) {
      const double argument = v - most;
      v = std::exp(argument);
      v += noise(v * (3 - argument) * kUlp);
    }
    const double total = std::accumulate(x.begin(), x.end(), 0.0);
    for (double& v : x) v /= total;
    jitter(x, 2 * kUlp);
  }

  /// Softmax over all experts; the most probable ones, rescaled to sum 1, weigh their SwiGLUs (arXiv:2002.05202).
  Row feed_forward(const Plain::Layer& w, const Row& h) {
    if (!w.router) return swiglu(w.experts[0], h);
    Row p = times(w.router, h);
    softmax(p);
    std::vector<size_t> order(p.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] > p[b]; });
    order.resize(size_t(m_.kept_));
    double total = 0;
    for (const size_t e : order) total += p[e];
    Row y(h.size(), 0.0);
    for (const size_t e : order) {
      Row one = swiglu(w.experts[e], h);
      for (size_t i = 0; i < y.size(); ++i) y[i] += p[e] / total * one[i];
      jitter(y, 3 * kUlp);
    }
    return y;
  }

  Row swiglu(const Plain::Expert& w, const Row& h) {
    const Row gate = times(w.gate, h), up = times(w.up, h);
    Row a(gate.size());
    for (size_t i = 0; i < a.size(); ++i) a[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
    for (size_t i = 0; i < a.size(); ++i) a[i] += noise(std::fabs(a[i]) * (6 + std::fabs(gate[i])) * kUlp);
    return times(w.down, std::move(a));
  }

  const Plain& m_;
  const PlainOptions& o_;
  std::mt19937 random_;
};

std::vector<Row> Plain::logits(std::span<const int> tokens, const PlainOptions& options) const {
  return PlainPass(*this, options).run(tokens);
}

}  // namespace apr::test
