// A GGUF file as a model: the binding either refuses it with an apr::Error or gives a model whose forward pass computes
// something. Input that starts with "GGUF" is a file. Any other is a list of edits to a small sound model, which gets
// past the parser far more often: its keys, and its tensors' names, types, shapes and data change.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "base/error.h"
#include "gguf/file.h"
#include "model/model.h"
#include "model/synthetic.h"

namespace {

using apr::ErrorCode;
using apr::test::Bytes;
using apr::test::Sizes;
using apr::test::Synthetic;

/// A promise of the interface that did not hold.
void require(bool kept) {
  if (!kept) __builtin_trap();
}

/// The fuzzer's bytes, a few at a time; zeros when they are used up.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data, size) {}
  bool empty() const { return data_.empty(); }
  template <class T>
  T take() {
    T value{};
    const size_t n = std::min(sizeof(T), data_.size());
    std::memcpy(&value, data_.data(), n);
    data_ = data_.subspan(n);
    return value;
  }
  size_t below(size_t n) { return n ? take<uint8_t>() % n : 0; }

 private:
  std::span<const uint8_t> data_;
};

/// One small model of each architecture, and one whose rows are whole blocks of any type.
const std::vector<Synthetic>& sound_models() {
  static const std::vector<Synthetic> models = [] {
    std::vector<Synthetic> made;
    for (const char* architecture : {"qwen3moe", "qwen3", "qwen2", "llama"}) {
      made.push_back(make_model(Sizes{.architecture = architecture,
                                      .L = 1,
                                      .D = 32,
                                      .H = 2,
                                      .G = 1,
                                      .d = 16,
                                      .V = 5,
                                      .E = 3,
                                      .K = 2,
                                      .F = 32,
                                      .FF = 64}));
    }
    made.push_back(make_model(Sizes{
        .type = apr::quant::Type::Q4_K, .L = 1, .D = 256, .H = 2, .G = 1, .d = 128, .V = 5, .E = 3, .K = 2, .F = 256}));
    return made;
  }();
  return models;
}

/// Sizes that are all at some edge, and any.
uint64_t size(Input& in) {
  constexpr uint64_t edges[] = {0,
                                1,
                                2,
                                3,
                                4,
                                5,
                                16,
                                17,
                                32,
                                33,
                                64,
                                256,
                                1024,
                                1025,
                                4096,
                                4097,
                                1u << 20,
                                (1u << 20) + 1,
                                1u << 24,
                                1u << 30,
                                0x7fffffff,
                                0x80000000,
                                0xffffffff,
                                uint64_t(1) << 32,
                                uint64_t(1) << 63};
  const size_t i = in.below(std::size(edges) + 8);
  return i < std::size(edges) ? edges[i] : in.take<uint32_t>();
}

double number(Input& in) {
  constexpr double edges[] = {0,
                              -1,
                              1,
                              1e-6,
                              1e-60,
                              1e60,
                              1e300,
                              10000,
                              1e6,
                              std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};
  const size_t i = in.below(std::size(edges) + 2);
  return i < std::size(edges) ? edges[i] : in.take<double>();
}

std::string text(Input& in) {
  constexpr const char* words[] = {"qwen3moe", "qwen3", "qwen2", "llama", "none", "linear", "yarn", ""};
  const size_t i = in.below(std::size(words) + 1);
  if (i < std::size(words)) return words[i];
  std::string s;
  for (size_t n = in.below(200); s.size() < n;) s += in.take<char>();
  return s;
}

Synthetic::Value value(Input& in) {
  switch (in.below(10)) {
    case 0:
      return in.below(2) == 1;
    case 1:
      return in.take<int8_t>();
    case 2:
      return int32_t(size(in));
    case 3:
      return size(in);
    case 4:
      return float(number(in));
    case 5:
      return number(in);
    case 6:
      return text(in);
    case 7:
      return std::vector<uint32_t>(in.below(4), uint32_t(size(in)));
    default:
      return uint32_t(size(in));
  }
}

void edit_key(Synthetic& m, Input& in) {
  constexpr const char* names[] = {"general.architecture",
                                   "block_count",
                                   "context_length",
                                   "embedding_length",
                                   "feed_forward_length",
                                   "attention.head_count",
                                   "attention.head_count_kv",
                                   "attention.key_length",
                                   "attention.value_length",
                                   "attention.layer_norm_rms_epsilon",
                                   "attention.sliding_window",
                                   "rope.freq_base",
                                   "rope.dimension_count",
                                   "rope.scaling.type",
                                   "expert_count",
                                   "expert_used_count",
                                   "expert_feed_forward_length",
                                   "vocab_size"};
  const char* name = names[in.below(std::size(names))];
  if (in.below(8) == 0) {
    m.drop(name);
  } else {
    m.set(name, value(in));
  }
}

/// The bytes that a tensor of this type and shape takes; a megabyte at most, beyond which the parser refuses it.
void fit(Synthetic::Tensor& t, Input& in) {
  uint64_t rows = 1;
  for (size_t i = 0; i + 1 < t.shape.size(); ++i)
    rows = std::min<uint64_t>(rows * std::min<uint64_t>(t.shape[i], 1 << 20), 1 << 20);
  const uint64_t row =
      apr::quant::info(t.type).row_bytes(t.shape.empty() ? 0 : std::min<uint64_t>(t.shape.back(), 1 << 20));
  t.data.resize(size_t(std::min<uint64_t>(rows * row, 1 << 20)), std::byte(in.take<uint8_t>()));
}

void edit_tensor(Synthetic& m, Input& in) {
  if (m.tensors.empty()) return;
  Synthetic::Tensor& t = m.tensors[in.below(m.tensors.size())];
  switch (in.below(7)) {
    case 0:
      m.drop_tensor(std::string(t.name));  // a copy: t goes
      return;
    case 1:
      t.type = apr::quant::all_types()[in.below(apr::quant::all_types().size())].type;
      return fit(t, in);
    case 2:
      t.shape[in.below(t.shape.size())] = size(in);
      return fit(t, in);
    case 3:
      std::reverse(t.shape.begin(), t.shape.end());
      return fit(t, in);
    case 4:
      if (in.below(2) && t.shape.size() > 1) {
        t.shape.erase(t.shape.begin());
      } else {
        t.shape.insert(t.shape.begin(), 1 + in.below(3));
      }
      return fit(t, in);
    case 5: {
      constexpr const char* names[] = {"rope_freqs.weight", "output.weight", "blk.0.ffn_gate.weight",
                                       "blk.1.attn_norm.weight"};
      t.name = names[in.below(std::size(names))];
      return;
    }
    default: {  // NaN, infinities, huge and tiny numbers
      const uint32_t pattern = in.take<uint32_t>();
      const size_t from = in.take<uint16_t>(), n = in.take<uint16_t>();
      for (size_t i = from; i < std::min(from + n, t.data.size()); ++i) t.data[i] = std::byte(pattern >> 8 * (i % 4));
    }
  }
}

/// A model that several layers or other sizes agree on: edits alone would seldom find one.
Synthetic start(Input& in) {
  const size_t which = in.below(sound_models().size() + 1);
  if (which < sound_models().size()) return sound_models()[which];
  Sizes s{.L = 1 + int(in.below(2)), .V = 1 + int(in.below(9))};
  s.architecture = std::array{"qwen3moe", "qwen3", "qwen2", "llama"}[in.below(4)];
  s.D = 1 + int(in.below(80)), s.G = 1 + int(in.below(3)), s.H = s.G * (1 + int(in.below(4))),
  s.d = 2 + 2 * int(in.below(40));
  s.E = 1 + int(in.below(5)), s.K = 1 + int(in.below(size_t(s.E))), s.F = 1 + int(in.below(70)),
  s.FF = 1 + int(in.below(70));
  s.type = apr::quant::all_types()[in.below(3)].type;
  s.tied = in.below(2) == 1;
  return make_model(s);
}

Bytes edited(Input in) {
  Synthetic m = start(in);
  for (int i = 0; i < 16 && !in.empty(); ++i) {
    if (in.below(2)) {
      edit_key(m, in);
    } else {
      edit_tensor(m, in);
    }
  }
  return m.bytes();
}

/// Logits of three tokens: two at once, then one.
std::vector<float> forward(const apr::model::Model& model, std::string_view isa) {
  static apr::ThreadPool pool(1);
  const apr::model::Config& c = model.config();
  apr::model::KvCache kv(c.L, c.G, c.d, 3, apr::model::KvType::F16);
  apr::kernels::Ops op(pool, isa);
  op.reserve(
      std::max(model.scratch_bytes(1, 2, apr::model::Rows::All), model.scratch_bytes(1, 1, apr::model::Rows::Last)));
  std::vector<float> all;
  const std::array<int32_t, 3> tokens{0, c.V - 1, c.V / 2};
  for (const auto& [first, n, rows] : {std::tuple{0, 2, apr::model::Rows::All}, {2, 1, apr::model::Rows::Last}}) {
    op.begin();
    const apr::kernels::Mat logits = model.forward(op, std::span(tokens).subspan(size_t(first), size_t(n)), kv, rows);
    require(logits.rows == n && logits.cols == c.V);
    all.insert(all.end(), logits.flat().begin(), logits.flat().end());
  }
  require(kv.length() == 3);
  return all;
}

/// Whatever the weights, instruction sets agree as long as the numbers are finite.
void use(const apr::model::Model& model) {
  constexpr uint64_t kMost = 64 << 20;
  const apr::model::Config& c = model.config();
  require(c.L > 0 && c.D > 0 && c.H > 0 && c.G > 0 && c.H % c.G == 0 && c.d > 0 && c.V > 0 && c.rope_dims <= c.d);
  if (apr::model::KvCache::bytes(c.L, c.G, c.d, 3, apr::model::KvType::F16) > kMost) return;
  if (model.scratch_bytes(1, 2, apr::model::Rows::All) > kMost) return;
  const std::vector<float> best = forward(model, ""), scalar = forward(model, "scalar");
  const auto finite = [](const std::vector<float>& all) {
    return std::all_of(all.begin(), all.end(), [](float x) { return std::isfinite(x); });
  };
  if (finite(best) && finite(scalar))
    require(std::memcmp(best.data(), scalar.data(), best.size() * sizeof(float)) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bool is_file = size >= 4 && std::memcmp(data, "GGUF", 4) == 0;
  try {
    const Bytes made = is_file ? Bytes() : edited(Input(data, size));
    const auto file =
        apr::gguf::File::parse(is_file ? std::as_bytes(std::span(data, size)) : std::span<const std::byte>(made));
    const auto model = apr::model::load(file);
    use(*model);
  } catch (const apr::Error& e) {
    require(e.code() == ErrorCode::BadFile || e.code() == ErrorCode::UnsupportedOperation ||
            e.code() == ErrorCode::BadModel);
    require(std::strlen(e.what()) > 0);
    for (const char* c = e.what(); *c; ++c) require(uint8_t(*c) >= 0x20);
  }
  return 0;
}
