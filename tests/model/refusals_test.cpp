// Files that are sound GGUF but no model that apr computes: each is refused at load, with its code and a sentence that
// names what is wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "base/error.h"
#include "model/model.h"
#include "model/synthetic.h"

namespace apr::test {
namespace {

using quant::Type;

constexpr const char* kArchitectures[] = {"qwen3moe", "qwen3", "qwen2", "llama"};

/// The error of load(): its code and sentence. Checks the form that all sentences share.
std::pair<ErrorCode, std::string> refusal_of(const Synthetic& m) {
  const gguf::File file = m.file();
  try {
    model::load(file);
  } catch (const Error& e) {
    const std::string sentence = e.what();
    EXPECT_GT(sentence.size(), 20u) << sentence;
    EXPECT_TRUE(std::none_of(sentence.begin(), sentence.end(), [](char c) { return uint8_t(c) < 0x20; })) << sentence;
    EXPECT_TRUE(!sentence.empty() && sentence.back() != '.') << sentence;
    return {e.code(), sentence};
  }
  return {ErrorCode::Internal, "it was not refused"};
}

void expect_refusal(const Synthetic& m, ErrorCode code, std::initializer_list<std::string> fragments) {
  const auto [found, sentence] = refusal_of(m);
  EXPECT_EQ(name_of(found), name_of(code)) << sentence;
  for (const std::string& fragment : fragments) EXPECT_NE(sentence.find(fragment), std::string::npos) << sentence;
}

struct Refusal {
  const char* name;
  const char* architecture;
  std::function<void(Synthetic&)> edit;
  ErrorCode code;
  const char* fragment;
  const char* second = "";  ///< another that must be there
};
void PrintTo(const Refusal& r, std::ostream* out) { *out << r.name; }

constexpr auto kBadModel = ErrorCode::BadModel, kUnsupported = ErrorCode::UnsupportedOperation;
const Refusal kTable[] = {
    {"no_architecture", "qwen3", [](Synthetic& m) { m.drop("general.architecture"); }, kBadModel,
     "general.architecture"},
    {"architecture_a_number", "qwen3", [](Synthetic& m) { m.set("general.architecture", 3.0f); }, kBadModel,
     "general.architecture", "expected string"},
    {"architecture_unknown", "qwen3", [](Synthetic& m) { m.set("general.architecture", std::string("mamba")); },
     kUnsupported, "'mamba'", "qwen3-moe-forward-v1"},
    {"architecture_empty", "qwen3", [](Synthetic& m) { m.set("general.architecture", std::string()); }, kUnsupported,
     "''", "qwen3moe, qwen3, qwen2, llama"},
    {"architecture_with_more_after_it", "qwen3",
     [](Synthetic& m) { m.set("general.architecture", std::string("qwen3moe2")); }, kUnsupported, "'qwen3moe2'",
     "qwen3-moe-forward-v1"},
    {"architecture_of_two_lines", "qwen3",
     [](Synthetic& m) { m.set("general.architecture", std::string("qwen3\n\x1b[2J")); }, kUnsupported,
     "'qwen3\\n\\x1b[2J'", "qwen3-moe-forward-v1"},
    {"architecture_very_long", "qwen3", [](Synthetic& m) { m.set("general.architecture", std::string(100000, 'q')); },
     kUnsupported, "qqq…", "qwen3-moe-forward-v1"},

    {"heads_do_not_divide", "qwen3moe", [](Synthetic& m) { m.set_size("attention.head_count_kv", 4); }, kBadModel,
     "qwen3moe.attention.head_count: 6 query heads", "4 kv heads"},
    {"more_kv_heads", "llama", [](Synthetic& m) { m.set_size("attention.head_count_kv", 12); }, kBadModel,
     "llama.attention.head_count", "12 kv heads"},
    {"heads_per_layer", "llama",
     [](Synthetic& m) {
       m.set("attention.head_count", std::vector<uint32_t>{6, 6});
     },
     kBadModel, "llama.attention.head_count", "found array of u32"},
    {"width_over_heads", "qwen2", [](Synthetic& m) { m.drop("attention.key_length"); }, kBadModel,
     "qwen2.embedding_length", "attention.key_length"},
    {"odd_heads", "qwen3",
     [](Synthetic& m) { m.set_size("attention.key_length", 33).set_size("attention.value_length", 33); }, kBadModel,
     "qwen3.attention.key_length: found 33", "even"},
    {"values_of_another_width", "qwen3moe", [](Synthetic& m) { m.set_size("attention.value_length", 16); },
     kUnsupported, "qwen3moe.attention.value_length: found 16", "32"},
    {"more_kept_than_there_are", "qwen3moe", [](Synthetic& m) { m.set_size("expert_used_count", 9); }, kBadModel,
     "qwen3moe.expert_used_count: found 9", "qwen3moe.expert_count is only 8"},
    {"more_experts_than_tensors", "qwen3moe", [](Synthetic& m) { m.set_size("expert_count", 16); }, kBadModel,
     "blk.0.ffn_gate_inp.weight: shape [8, 64], expected [16, 64]"},
    {"a_bias_that_nobody_adds", "llama", [](Synthetic& m) { m.reshape("blk.0.attn_q.bias", {192}); }, kUnsupported,
     "blk.0.attn_q.bias", "llama models with this tensor"},
    {"a_tensor_of_another_layer", "qwen3moe", [](Synthetic& m) { m.reshape("blk.7.attn_norm.weight", {64}); },
     kUnsupported, "blk.7.attn_norm.weight"},
    {"a_shared_expert", "qwen3moe", [](Synthetic& m) { m.set_size("expert_shared_count", 1); }, kUnsupported,
     "qwen3moe.expert_shared_count: found 1"},
    {"experts_not_rescaled", "qwen3moe", [](Synthetic& m) { m.set("expert_weights_norm", false); }, kUnsupported,
     "expert_weights_norm: found 0"},
    {"scaled_attention", "llama", [](Synthetic& m) { m.set("attention.scale", 0.5f); }, kUnsupported,
     "llama.attention.scale: found 0.5"},
    {"linear_rope_scaling", "llama", [](Synthetic& m) { m.set("rope.scale_linear", 8.0f); }, kUnsupported,
     "llama.rope.scale_linear: found 8"},
    {"rope_factor_without_a_type", "qwen3", [](Synthetic& m) { m.set("rope.scaling.factor", 4.0f); }, kUnsupported,
     "qwen3.rope.scaling.factor: found 4"},
    {"mixtral", "llama", [](Synthetic& m) { m.set_size("expert_count", 8); }, kUnsupported, "llama.expert_count",
     "qwen3moe"},
    {"experts_in_words", "llama", [](Synthetic& m) { m.set("expert_count", std::string("8")); }, kBadModel,
     "llama.expert_count"},
    {"vocabulary_size", "qwen3", [](Synthetic& m) { m.set_size("vocab_size", 98); }, kBadModel,
     "qwen3.vocab_size: found 98", "97 rows"},

    {"eps_zero", "qwen3", [](Synthetic& m) { m.set("attention.layer_norm_rms_epsilon", 0.0f); }, kBadModel,
     "qwen3.attention.layer_norm_rms_epsilon: found 0"},
    {"eps_too_small_for_f32", "qwen3", [](Synthetic& m) { m.set("attention.layer_norm_rms_epsilon", 1e-60); },
     kBadModel, "qwen3.attention.layer_norm_rms_epsilon"},
    {"eps_negative", "qwen3", [](Synthetic& m) { m.set("attention.layer_norm_rms_epsilon", -1e-6f); }, kBadModel,
     "qwen3.attention.layer_norm_rms_epsilon: found -"},
    {"eps_one", "qwen3", [](Synthetic& m) { m.set("attention.layer_norm_rms_epsilon", uint32_t(1)); }, kBadModel,
     "qwen3.attention.layer_norm_rms_epsilon: found 1"},
    {"eps_nan", "qwen3", [](Synthetic& m) { m.set("attention.layer_norm_rms_epsilon", std::nanf("")); }, kBadModel,
     "qwen3.attention.layer_norm_rms_epsilon: found nan"},
    {"eps_text", "qwen3", [](Synthetic& m) { m.set("attention.layer_norm_rms_epsilon", std::string("1e-6")); },
     kBadModel, "qwen3.attention.layer_norm_rms_epsilon", "expected number"},

    {"theta_zero", "qwen3moe", [](Synthetic& m) { m.set("rope.freq_base", 0.0f); }, kBadModel,
     "qwen3moe.rope.freq_base: found 0"},
    {"theta_one", "qwen3moe", [](Synthetic& m) { m.set("rope.freq_base", uint32_t(1)); }, kBadModel,
     "qwen3moe.rope.freq_base"},
    {"theta_negative", "llama", [](Synthetic& m) { m.set("rope.freq_base", -1e6); }, kBadModel,
     "llama.rope.freq_base: found -"},
    {"theta_infinite", "llama", [](Synthetic& m) { m.set("rope.freq_base", std::numeric_limits<float>::infinity()); },
     kBadModel, "llama.rope.freq_base: found inf"},
    {"theta_nan", "qwen2", [](Synthetic& m) { m.set("rope.freq_base", std::nan("")); }, kBadModel,
     "qwen2.rope.freq_base: found nan"},
    {"theta_text", "qwen2", [](Synthetic& m) { m.set("rope.freq_base", std::string("1e6")); }, kBadModel,
     "qwen2.rope.freq_base", "expected number"},
    {"theta_missing", "qwen3moe", [](Synthetic& m) { m.drop("rope.freq_base"); }, kBadModel, "qwen3moe.rope.freq_base"},
    {"rope_dims_odd", "llama", [](Synthetic& m) { m.set_size("rope.dimension_count", 15); }, kBadModel,
     "llama.rope.dimension_count: found 15", "even"},
    {"rope_dims_beyond_the_head", "llama", [](Synthetic& m) { m.set_size("rope.dimension_count", 34); }, kBadModel,
     "llama.rope.dimension_count: found 34", "32"},
    {"rope_scaling", "qwen2", [](Synthetic& m) { m.set("rope.scaling.type", std::string("yarn")); }, kUnsupported,
     "qwen2.rope.scaling.type", "'yarn'"},
    {"rope_scaling_of_two_lines", "qwen2", [](Synthetic& m) { m.set("rope.scaling.type", std::string("a\nb")); },
     kUnsupported, "qwen2.rope.scaling.type", "'a\\nb'"},
    {"rope_scaling_a_number", "qwen2", [](Synthetic& m) { m.set("rope.scaling.type", uint32_t(1)); }, kBadModel,
     "qwen2.rope.scaling.type", "expected string"},
    {"sliding_window", "qwen3", [](Synthetic& m) { m.set_size("attention.sliding_window", 4096); }, kUnsupported,
     "qwen3.attention.sliding_window", "4096"},

    {"too_few_factors", "llama", [](Synthetic& m) { m.reshape("rope_freqs.weight", {15}); }, kBadModel,
     "rope_freqs.weight", "expected 16"},
    {"factors_of_halves", "llama", [](Synthetic& m) { m.reshape("rope_freqs.weight", {16}, Type::F16); }, kBadModel,
     "rope_freqs.weight", "type F16"},
    {"factors_of_zero", "llama", [](Synthetic& m) { m.reshape("rope_freqs.weight", {16}); }, kBadModel,
     "rope_freqs.weight", "positive"},

    {"dense_tensors_in_a_moe_file", "qwen3",
     [](Synthetic& m) {
       m.prefix = "qwen3moe";
       for (Synthetic::Key& k : m.keys) k.name = k.name.starts_with("qwen3.") ? "qwen3moe" + k.name.substr(5) : k.name;
       m.set("general.architecture", m.prefix).set_size("expert_count", 8).set_size("expert_used_count", 3);
       m.set_size("expert_feed_forward_length", 32);
     },
     kBadModel, "blk.0.ffn_gate_inp.weight: not in the file", "qwen3moe model needs it with shape [8, 64] (E, D)"},
    {"embedding_a_vector", "qwen3", [](Synthetic& m) { m.reshape("token_embd.weight", {97 * 64}); }, kBadModel,
     "token_embd.weight", "[6208]"},
    {"embedding_of_three_dimensions", "qwen3",
     [](Synthetic& m) {
       m.reshape("token_embd.weight", {1, 97, 64});
     },
     kBadModel, "token_embd.weight", "[1, 97, 64]"},
    {"norm_of_another_length", "qwen3moe", [](Synthetic& m) { m.reshape("blk.1.attn_q_norm.weight", {64}); }, kBadModel,
     "blk.1.attn_q_norm.weight: shape [64], expected [32] (d)"},
    {"bias_of_another_length", "qwen2", [](Synthetic& m) { m.reshape("blk.1.attn_k.bias", {192}); }, kBadModel,
     "blk.1.attn_k.bias: shape [192], expected [64] (G·d)"},
    {"more_layers_than_tensors", "qwen3moe", [](Synthetic& m) { m.set_size("block_count", 4096); }, kBadModel,
     "blk.2.attn_norm.weight: not in the file"},
};

class Refusals : public testing::TestWithParam<Refusal> {};
TEST_P(Refusals, SayWhy) {
  const Refusal& r = GetParam();
  Synthetic m = make_model({.architecture = r.architecture});
  ASSERT_EQ(refusal_of(m).second, "it was not refused");
  r.edit(m);
  expect_refusal(m, r.code, {r.fragment, r.second});
}
INSTANTIATE_TEST_SUITE_P(Model, Refusals, testing::ValuesIn(kTable),
                         [](const testing::TestParamInfo<Refusal>& p) { return p.param.name; });

class EveryArchitecture : public testing::TestWithParam<const char*> {
 protected:
  const Synthetic sound = make_model({.architecture = GetParam()});
  std::string key(const std::string& name) const { return sound.full(name); }
};
INSTANTIATE_TEST_SUITE_P(Model, EveryArchitecture, testing::ValuesIn(kArchitectures),
                         [](const testing::TestParamInfo<const char*>& p) { return std::string(p.param); });

TEST_P(EveryArchitecture, NeedsItsKeys) {
  std::vector<std::string> keys{"block_count", "embedding_length", "context_length", "attention.head_count",
                                "attention.layer_norm_rms_epsilon"};
  const bool moe = GetParam() == std::string("qwen3moe");
  if (moe) keys.insert(keys.end(), {"expert_count", "expert_used_count", "expert_feed_forward_length"});
  if (!moe) keys.push_back("feed_forward_length");
  if (GetParam() != std::string("llama")) keys.push_back("rope.freq_base");
  for (const std::string& k : keys)
    expect_refusal(Synthetic(sound).drop(k), ErrorCode::BadModel, {key(k), "no such key"});
}

TEST_P(EveryArchitecture, NeedsSensibleSizes) {
  std::vector<std::string> keys{"block_count",
                                "embedding_length",
                                "context_length",
                                "attention.head_count",
                                "attention.head_count_kv",
                                "attention.key_length",
                                "attention.value_length",
                                "rope.dimension_count",
                                "vocab_size"};
  const bool moe = GetParam() == std::string("qwen3moe");
  if (moe) keys.insert(keys.end(), {"expert_count", "expert_used_count", "expert_feed_forward_length"});
  if (!moe) keys.push_back("feed_forward_length");
  const std::pair<Synthetic::Value, std::string> wrong[] = {
      {uint32_t(0), "found 0, expected 1 to"},
      {uint32_t(0xffffffff), "found 4294967295, expected 1 to"},
      {uint64_t(1) << 63, "found 9223372036854775808, expected 1 to"},
      {int32_t(-2), "found i32 (-2), expected unsigned integer"},
      {int8_t(-128), "expected unsigned integer"},
      {std::string("8"), "found string"},
      {8.0f, "found f32"},
      {8.0, "found f64"},
      {true, "found bool"},
      {std::vector<uint32_t>{8, 8}, "found array of u32"},
  };
  for (const std::string& k : keys) {
    for (const auto& [value, sentence] : wrong)
      expect_refusal(Synthetic(sound).set(k, value), ErrorCode::BadModel, {key(k), sentence});
  }
}

/// Any integer type will do.
TEST_P(EveryArchitecture, TakesSizesOfAnyIntegerType) {
  EXPECT_EQ(refusal_of(Synthetic(sound).set("block_count", int8_t(2))).second, "it was not refused");
  EXPECT_EQ(refusal_of(Synthetic(sound).set("block_count", uint64_t(2))).second, "it was not refused");
  EXPECT_EQ(refusal_of(Synthetic(sound).set("rope.scaling.type", std::string("none"))).second, "it was not refused");
  EXPECT_EQ(refusal_of(Synthetic(sound).set_size("attention.sliding_window", 0)).second, "it was not refused");
}

bool may_be_missing(const std::string& name) { return name == "output.weight" || name == "rope_freqs.weight"; }

TEST_P(EveryArchitecture, NeedsItsTensors) {
  for (const Synthetic::Tensor& t : sound.tensors) {
    Synthetic m = sound;
    m.drop_tensor(t.name);
    if (may_be_missing(t.name)) {
      EXPECT_EQ(refusal_of(m).second, "it was not refused") << t.name;
    } else {
      expect_refusal(m, ErrorCode::BadModel, {t.name + ": not in the file"});
    }
  }
}

/// No two sizes of these models are equal, so that a transposed matrix always differs.
TEST_P(EveryArchitecture, NeedsItsShapes) {
  for (const Synthetic::Tensor& t : sound.tensors) {
    std::vector<std::vector<uint64_t>> wrong{t.shape, t.shape, t.shape};
    wrong[0].back() += 2;
    wrong[1].insert(wrong[1].begin(), 1);
    std::swap(wrong[2].front(), wrong[2].back());
    for (const std::vector<uint64_t>& shape : wrong) {
      if (shape == t.shape) continue;
      if (t.name == "rope_freqs.weight" && shape.size() == 2) continue;  // as many numbers, one after another
      expect_refusal(Synthetic(sound).reshape(t.name, shape), ErrorCode::BadModel, {t.name, "expected"});
    }
  }
}

TEST(MissingExperts, AreNamedAsExperts) {
  const Synthetic sound = make_model({});
  for (const char* matrix : {"gate", "up", "down"}) {
    const std::string name = std::string("blk.1.ffn_") + matrix;
    const auto [code, sentence] = refusal_of(Synthetic(sound).drop_tensor(name + "_exps.weight"));
    EXPECT_EQ(code, ErrorCode::BadModel);
    EXPECT_NE(sentence.find(name + "_exps.weight"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("(E, "), std::string::npos) << sentence;
    EXPECT_EQ(sentence.find(name + ".weight"), std::string::npos) << "a dense name: " << sentence;
  }
}

TEST(Architectures, AreThoseOfTheRegistry) {
  EXPECT_EQ(model::architectures(), (std::vector<std::string>{"qwen3moe", "qwen3", "qwen2", "llama"}));
}

}  // namespace
}  // namespace apr::test
