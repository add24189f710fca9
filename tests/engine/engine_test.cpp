#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"
#include "base/memory.h"
#include "engine/bundled.h"
#include "gguf/writer.h"

namespace apr::engine {
namespace {

using test::kBundledModel;

std::vector<Token> some_tokens(int n) {
  std::vector<Token> tokens;
  for (int i = 0; i < n; ++i) tokens.push_back((i * 37 + 11) % 2048);
  return tokens;
}

std::vector<float> last_logits(const Options& options, const std::vector<Token>& tokens) {
  Engine engine(kBundledModel, options);
  Session session(engine);
  const auto logits = session.extend(tokens);
  return {logits.begin(), logits.end()};
}

template <class Body>
void refused(ErrorCode code, const std::string& fragment, Body body) {
  try {
    body();
    ADD_FAILURE() << "nothing was refused; expected: " << fragment;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    EXPECT_NE(std::string(e.what()).find(fragment), std::string::npos) << e.what();
  }
}

TEST(EngineChoices, AreMadeAndShown) {
  Engine engine(kBundledModel, {});
  EXPECT_GE(engine.options().threads, 1);
  EXPECT_EQ(engine.options().context, 4096);
  EXPECT_EQ(engine.options().kv, model::KvType::Q16);
  EXPECT_FALSE(engine.isa().empty());
  EXPECT_EQ(engine.config().architecture, "qwen3moe");
  EXPECT_TRUE(engine.has_tokenizer());
  EXPECT_EQ(engine.bos(), -1);
  const std::vector<Token> stops = engine.stop_tokens();
  EXPECT_NE(std::find(stops.begin(), stops.end(), engine.tokenizer().find_special("<|im_end|>")), stops.end());
  EXPECT_NE(std::find(stops.begin(), stops.end(), engine.tokenizer().find_special("<|endoftext|>")), stops.end());
}

TEST(EngineRefuses, WhatCannotBe) {
  refused(ErrorCode::Io, "/nowhere.gguf", [] { Engine("/nowhere.gguf", {}); });
  refused(ErrorCode::Context, "4097", [] { Engine(kBundledModel, {.context = 4097}); });
  refused(ErrorCode::Usage, "context", [] { Engine(kBundledModel, {.context = -1}); });
  refused(ErrorCode::Usage, "threads", [] { Engine(kBundledModel, {.threads = -1}); });
  refused(ErrorCode::Usage, "chunk", [] { Engine(kBundledModel, {.chunk = 0}); });
  refused(ErrorCode::Usage, "neon", [] { Engine(kBundledModel, {.isa = "neon"}); });
}

/// A file with a dense model of 64 heads of a width, which claims a huge context: its cache would not fit any machine.
class LongContextFile {
 public:
  explicit LongContextFile(uint32_t head_width) {
    test::GgufWriter w;
    w.add("general.architecture", "qwen3");
    const std::pair<const char*, uint32_t> keys[] = {{"block_count", 1},
                                                     {"embedding_length", 8},
                                                     {"context_length", 1u << 30},
                                                     {"feed_forward_length", 8},
                                                     {"attention.head_count", 64},
                                                     {"attention.head_count_kv", 64},
                                                     {"attention.key_length", head_width}};
    for (auto [key, value] : keys) w.add<uint32_t>(std::string("qwen3.") + key, value);
    w.add<float>("qwen3.attention.layer_norm_rms_epsilon", 1e-6f).add<float>("qwen3.rope.freq_base", 1e6f);
    auto tensor = [&](const std::string& name, std::vector<uint64_t> dims) {
      uint64_t n = 1;
      for (uint64_t d : dims) n *= d;
      w.tensor(name, quant::Type::F32, dims, test::Bytes(n * 4));
    };
    const uint64_t q = uint64_t(64) * head_width;
    tensor("token_embd.weight", {4, 8});
    tensor("output_norm.weight", {8});
    tensor("blk.0.attn_norm.weight", {8});
    tensor("blk.0.ffn_norm.weight", {8});
    tensor("blk.0.attn_q_norm.weight", {head_width});
    tensor("blk.0.attn_k_norm.weight", {head_width});
    for (const char* name : {"attn_q", "attn_k", "attn_v"}) tensor(std::string("blk.0.") + name + ".weight", {q, 8});
    tensor("blk.0.attn_output.weight", {8, q});
    for (const char* name : {"ffn_gate", "ffn_up", "ffn_down"})
      tensor(std::string("blk.0.") + name + ".weight", {8, 8});
    const test::Bytes bytes = w.bytes();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  }
  ~LongContextFile() { std::filesystem::remove(path); }
  LongContextFile(const LongContextFile&) = delete;
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "apr-engine-memory-test.gguf";
};

TEST(EngineMemory, IsRefusedBeforeItIsTaken) {
  const LongContextFile file(1024);
  const auto& path = file.path;
  refused(ErrorCode::Memory, "KV cache", [&] { Engine(path, {.context = 1 << 30}); });
  refused(ErrorCode::Memory, "2 sequences of 1073741824 tokens",
          [&] { Engine(path, {.context = 1 << 30, .sequences = 2}); });
  Engine small(path, {.context = 16});
  EXPECT_FALSE(small.has_tokenizer());
  refused(ErrorCode::UnsupportedOperation, "no tokenizer", [&] { small.tokenizer(); });
  const Session session(small);
  EXPECT_EQ(small.options().load, Load::Mmap);  // nothing to pack
  refused(ErrorCode::UnsupportedOperation, "no quantised matrix",
          [&] { Engine(path, {.context = 16, .load = Load::Packed}); });
  refused(ErrorCode::Memory, "KV cache", [&] { small.make_room(1 << 30); });
  EXPECT_EQ(small.options().context, 16);  // as it was
  EXPECT_NO_THROW(Session{small});
}

TEST(EngineRefuses, BytesForHeadsThatAreNoWholeGroups) {
  const LongContextFile file(40);
  refused(ErrorCode::UnsupportedOperation, "heads are 40 wide",
          [&] { Engine(file.path, {.context = 16, .kv = model::KvType::Q8_0}); });
  Engine(file.path, {.context = 16, .kv = model::KvType::F16});
}

TEST(EngineMemory, BytesTakeHalfOfHalves) {
  const Engine halves(kBundledModel, {.kv = model::KvType::F16}), bytes(kBundledModel, {.kv = model::KvType::Q8_0});
  EXPECT_EQ(bytes.memory().kv * 32, halves.memory().kv * 17);  // 34 bytes for 32 numbers, and 64
}

TEST(EngineMemory, SumsThatOverflowAreMoreThanAnyMemory) {
  EXPECT_EQ(saturating_sum({1, 2, 3}), 6u);
  EXPECT_EQ(saturating_sum({UINT64_MAX, 1, 5}), UINT64_MAX);
  EXPECT_EQ(saturating_sum({uint64_t(1) << 63, uint64_t(1) << 63}), UINT64_MAX);
}

TEST(EngineMemory, SystemFiguresAreSane) {
  EXPECT_GT(available_memory(), uint64_t(1) << 20);
  EXPECT_LE(available_memory(), total_memory());
}

TEST(Session, ChunksThreadsAndAccessDoNotMatter) {
  const std::vector<Token> tokens = some_tokens(100);
  const std::vector<float> whole = last_logits({.threads = 1, .chunk = 100}, tokens);
  EXPECT_EQ(last_logits({.threads = 2, .chunk = 7}, tokens), whole);
  EXPECT_EQ(last_logits({.threads = 3, .chunk = 1}, tokens), whole);
  for (const Load load : {Load::Mmap, Load::Packed, Load::Read}) EXPECT_EQ(last_logits({.load = load}, tokens), whole);
}

/// How an engine with these options has its weights once it is used.
struct Loaded {
  explicit Loaded(const Options& options) : engine(kBundledModel, options), session(engine) {}
  Engine engine;
  Session session;
};

TEST(EngineLoad, AutoPacksWhenItPaysAndSaysWhy) {
  const Loaded many({});
  EXPECT_EQ(many.engine.options().load, Load::Packed);
  const uint64_t file = many.engine.file().file_bytes();
  EXPECT_GT(many.engine.memory().packed, file / 2);
  EXPECT_LT(many.engine.memory().packed + many.engine.memory().weights, file * 11 / 10);
  EXPECT_NE(many.engine.load_reason().find("fit"), std::string::npos);
  const Loaded few({.expected_tokens = 2});
  EXPECT_EQ(few.engine.options().load, Load::Mmap);
  EXPECT_EQ(few.engine.memory().packed, 0u);
  EXPECT_NE(few.engine.load_reason().find("2 tokens"), std::string::npos);
  EXPECT_TRUE(Loaded({.load = Load::Mmap}).engine.load_reason().empty());
}

TEST(EngineLoad, PackingReportsEachTensorAndCanBeGivenUp) {
  uint64_t before = 0, all = 0;
  const Loaded loaded({.load = Load::Packed, .packing = [&](uint64_t done, uint64_t total) {
                         EXPECT_GT(done, before);
                         EXPECT_LE(done, total);
                         before = done, all = total;
                       }});
  EXPECT_EQ(before, all);
  EXPECT_GT(all, 0u);
  struct GivenUp {};
  EXPECT_THROW(Loaded({.load = Load::Packed, .packing = [](uint64_t, uint64_t) { throw GivenUp(); }}), GivenUp);
}

TEST(Session, StopsBetweenLayersAndStaysAsItWas) {
  Engine engine(kBundledModel, {.chunk = 8});
  Session session(engine);
  const std::vector<Token> tokens = some_tokens(20);
  const std::vector<float> whole = last_logits({.chunk = 8}, tokens);
  std::atomic<bool> stop{false};
  session.stop_when(&stop);
  EXPECT_TRUE(session.extend(tokens, [&](size_t done) { return stop = done == 16, true; }).empty());
  EXPECT_EQ(session.tokens().size(), 16u);
  EXPECT_TRUE(session.extend({&tokens[16], 1}).empty());
  stop = false;
  const auto logits = session.extend(std::span(tokens).subspan(16));
  EXPECT_TRUE(std::equal(logits.begin(), logits.end(), whole.begin(), whole.end()));
}

/// Sessions that extend together, at lengths of their own.
struct Group {
  explicit Group(const Options& options) : engine(kBundledModel, options) {
    for (int i = 0; i < options.sequences; ++i) sessions.push_back(std::make_unique<Session>(engine));
  }
  Engine engine;
  std::vector<std::unique_ptr<Session>> sessions;
};

TEST(Together, GivesTheLogitsOfEachAlone) {
  for (const Load load : {Load::Mmap, Load::Packed}) {
    Group g({.threads = 2, .context = 64, .chunk = 16, .sequences = 3, .load = load});
    const std::vector<Token> tokens = some_tokens(60);
    std::vector<std::vector<Token>> own(3);
    for (int pass = 0; pass < 5; ++pass) {
      std::vector<Step> steps;
      for (size_t s = 0; s < 3; ++s) {  // the first prefills, the others decode from different places
        const size_t n = s == 0 && pass < 2 ? 14 : 1, at = own[s].size() + 7 * s;
        steps.push_back({g.sessions[s].get(), std::span(tokens).subspan(at, n)});
        own[s].insert(own[s].end(), steps[s].tokens.begin(), steps[s].tokens.end());
      }
      const kernels::Mat logits = extend_together(steps);
      ASSERT_EQ(logits.rows, 3);
      for (size_t s = 0; s < 3; ++s) {
        EXPECT_EQ(g.sessions[s]->tokens(), own[s]);
        EXPECT_EQ(std::vector<float>(logits.row(int(s)), logits.row(int(s) + 1)), last_logits({}, own[s]));
      }
    }
  }
}

TEST(Together, RefusesAndLeavesAllAsTheyWere) {
  Group g({.context = 8, .chunk = 4, .sequences = 2});
  Session third(g.engine);
  const std::vector<Token> tokens = some_tokens(9), foreign{2048};
  auto take = [&](size_t n) { return std::span(tokens).first(n); };
  Session &a = *g.sessions[0], &b = *g.sessions[1];
  a.extend(take(6));
  refused(ErrorCode::Usage, "none", [&] { extend_together({}); });
  refused(ErrorCode::Context, "3 tokens do not fit", [&] {
    extend_together(std::vector<Step>{{&b, take(1)}, {&a, take(3)}});
  });
  refused(ErrorCode::BadInput, "2048", [&] { extend_together(std::vector<Step>{{&b, take(1)}, {&a, foreign}}); });
  refused(ErrorCode::Usage, "opened for 2 with 4", [&] {
    extend_together(std::vector<Step>{{&a, take(1)}, {&b, take(1)}, {&third, take(1)}});
  });
  refused(ErrorCode::Usage, "2 with 5 tokens", [&] {
    extend_together(std::vector<Step>{{&a, take(1)}, {&b, take(4)}});
  });
  refused(ErrorCode::Usage, "sequences", [] { Engine(kBundledModel, {.sequences = 0}); });
  EXPECT_EQ(a.tokens().size(), 6u);
  EXPECT_TRUE(b.tokens().empty());
  std::atomic<bool> stop{true};
  EXPECT_EQ(extend_together(std::vector<Step>{{&a, take(1)}, {&b, take(1)}}, &stop).data, nullptr);
  EXPECT_EQ(a.tokens().size(), 6u);
  EXPECT_EQ(extend_together(std::vector<Step>{{&a, take(2)}, {&b, take(2)}}).rows, 2);
  EXPECT_EQ(a.room(), 0);
}

TEST(EngineMemory, CountsTheCachesOfAllSequences) {
  // Contexts of whole key tiles: a cache rounds its positions up to those.
  const Engine one(kBundledModel, {.context = 96}), eight(kBundledModel, {.context = 96, .sequences = 8});
  EXPECT_EQ(eight.memory().kv, 8 * one.memory().kv);
  EXPECT_GT(eight.memory().scratch, one.memory().scratch);
  Engine wider(kBundledModel, {.context = 96, .sequences = 3});
  wider.make_room(192);
  EXPECT_EQ(wider.memory().kv, 6 * one.memory().kv);
  EXPECT_EQ(Engine(kBundledModel, {.chunk = 2, .sequences = 8}).tokens_per_pass(), 8u);
}

TEST(EngineMemory, RoomMadeLaterIsThereForSeveralTokensToo) {
  Engine engine(kBundledModel, {.context = 1});
  engine.make_room(64);
  Session session(engine);
  EXPECT_EQ(session.extend_few(some_tokens(Session::kFew)).rows, Session::kFew);
}

TEST(Session, ExtendAllAgreesWithExtend) {
  const std::vector<Token> tokens = some_tokens(20);
  Engine engine(kBundledModel, {.chunk = 8, .rows = model::Rows::All});
  Session session(engine);
  std::vector<std::vector<float>> rows;
  session.extend_all(tokens, [&](size_t position, std::span<const float> logits) {
    EXPECT_EQ(position, rows.size());
    rows.emplace_back(logits.begin(), logits.end());
  });
  ASSERT_EQ(rows.size(), 20u);
  for (size_t n : {1u, 9u, 20u}) {
    EXPECT_EQ(last_logits({}, {tokens.begin(), tokens.begin() + std::ptrdiff_t(n)}), rows[n - 1]);
  }
}

TEST(Session, ExtendFewAgreesWithExtend) {
  const std::vector<Token> tokens = some_tokens(40);
  Engine engine(kBundledModel, {.chunk = 1});  // so that nothing else plans for several tokens
  Session session(engine), plain(engine);
  size_t done = 0;
  for (const size_t n : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}) {
    const kernels::Mat rows = session.extend_few(std::span(tokens).subspan(done, n));
    ASSERT_EQ(rows.rows, int(n));
    std::vector<float> all(rows.flat().begin(), rows.flat().end());
    for (size_t i = 0; i < n; ++i) {
      const auto expected = plain.extend({&tokens[done + i], 1});
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), all.begin() + std::ptrdiff_t(i * expected.size())))
          << n << " tokens, row " << i;
    }
    done += n;
    const size_t wrong = n / 2;  // guesses that go, and come again
    session.truncate(done - wrong);
    if (wrong > 0) session.extend_few(std::span(tokens).subspan(done - wrong, wrong));
  }
  refused(ErrorCode::BadInput, "9", [&] { session.extend_few(some_tokens(9)); });
}

TEST(Session, TruncateGoesBack) {
  const std::vector<Token> tokens = some_tokens(30);
  Engine engine(kBundledModel, {.context = 64});
  Session session(engine);
  session.extend(tokens);
  session.truncate(10);
  EXPECT_EQ(session.tokens().size(), 10u);
  EXPECT_EQ(session.room(), 54);
  const auto again = session.extend(std::span(tokens).subspan(10));
  EXPECT_EQ(std::vector<float>(again.begin(), again.end()), last_logits({}, tokens));
}

TEST(Session, RefusesAndStaysAsItWas) {
  Engine engine(kBundledModel, {.context = 8});
  Session session(engine);
  session.extend(some_tokens(5));
  refused(ErrorCode::Context, "context", [&] { session.extend(some_tokens(4)); });
  refused(ErrorCode::BadInput, "2048", [&] { session.extend(std::vector<Token>{1, 2048}); });
  refused(ErrorCode::BadInput, "-1", [&] { session.extend(std::vector<Token>{-1}); });
  refused(ErrorCode::BadInput, "empty", [&] { session.extend(std::vector<Token>{}); });
  EXPECT_EQ(session.tokens(), some_tokens(5));
  session.extend(some_tokens(3));
  EXPECT_EQ(session.room(), 0);
}

TEST(Session, ProgressCanStopIt) {
  Engine engine(kBundledModel, {.chunk = 4});
  Session session(engine);
  std::vector<size_t> seen;
  const auto logits = session.extend(some_tokens(20), [&](size_t done) {
    seen.push_back(done);
    return done < 8;
  });
  EXPECT_TRUE(logits.empty());
  EXPECT_EQ(seen, (std::vector<size_t>{4, 8}));
  EXPECT_EQ(session.tokens().size(), 8u);
}

}  // namespace
}  // namespace apr::engine
