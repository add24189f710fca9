// The same request gives the same bits: whatever the chunks, the threads and the instruction set, whichever other
// sequences share its passes, and also when a sequence goes on after part of it was forgotten.
#include <gtest/gtest.h>

#include "model/running.h"
#include "model/synthetic.h"

namespace apr::test {
namespace {

using quant::Type;

struct Case {
  std::string name;
  Sizes sizes;
  KvType cache = KvType::F16;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

constexpr int kTokens = 150;  // two whole blocks of 64 keys and a part

class SameBits : public testing::TestWithParam<Case> {
 protected:
  const Case& c = GetParam();
  const gguf::File file = make_model(c.sizes).file();
  const std::unique_ptr<model::Model> model = model::load(file);
  const std::vector<int> tokens = some_tokens(kTokens, c.sizes.V);
  const std::string best = isas_here().front();
};

TEST_P(SameBits, InChunksOnThreadsAndInstructionSets) {
  const std::vector<float> whole = logits_of(*model, tokens, c.cache, {best, 1, 0});
  for (const float v : whole) ASSERT_TRUE(std::isfinite(v));
  for (const std::string& isa : isas_here()) {
    for (const auto& [threads, chunk] : {std::pair{1, 0}, {2, 1}, {3, 7}, {3, 0}, {1, 3}, {2, 64}}) {
      if (isa == "scalar" && isa != best && (chunk == 3 || chunk == 64)) continue;  // it is slow
      EXPECT_TRUE(same_bits(logits_of(*model, tokens, c.cache, {isa, threads, chunk}), whole))
          << isa << ", " << threads << " threads, chunks of " << chunk;
    }
  }
}

TEST_P(SameBits, AfterTruncating) {
  const std::vector<float> whole = logits_of(*model, tokens, c.cache, {best, 2, 0});
  KvCache kv = cache_for(*model, kTokens, c.cache);
  logits_of(*model, some_tokens(kTokens, c.sizes.V, 99), kv, {best, 2, 0});  // another sequence
  int kept = 0;
  for (const int next : {71, 64, 1}) {  // forget all but `kept`, and go on from there
    kv.truncate(kept);
    const auto rest = std::span(tokens).subspan(size_t(kept));
    const std::vector<float> again = logits_of(*model, rest, kv, {best, 2, 11});
    const std::vector<float> want(whole.end() - ptrdiff_t(again.size()), whole.end());
    EXPECT_TRUE(same_bits(again, want)) << "from " << kept;
    kept = next;
  }
}

/// A sequence that takes part in passes with others.
struct Member {
  std::vector<int> tokens;
  std::vector<float> alone;  ///< logits of every position when it goes alone, all at once
  KvCache kv;
};

/// Passes of several sequences: how many tokens each gets, 0 = it is not in the pass. First one long and three short
/// prompts, then steps of one and of several tokens, sequences that join late and others that end early.
constexpr int kPasses[][4] = {{70, 3, 1, 2}, {1, 1, 1, 1}, {1, 0, 1, 5}, {0, 64, 1, 0}, {1, 1, 1, 1}, {3, 0, 0, 1}};

TEST_P(SameBits, TogetherWithOthers) {
  std::vector<Member> members;
  for (int m = 0; m < 4; ++m) {
    int length = 0;
    for (const auto& pass : kPasses) length += pass[m];
    std::vector<int> own = some_tokens(length, c.sizes.V, unsigned(20 + m));
    std::vector<float> alone = logits_of(*model, own, c.cache, {best, 1, 0});
    // Caches differ in size, as those of conversations do.
    members.push_back({std::move(own), std::move(alone), cache_for(*model, length + m, c.cache)});
  }
  for (const std::string& isa : isas_here()) {
    for (const int threads : {1, 3}) {
      for (const Rows rows : {Rows::All, Rows::Last}) {
        for (Member& m : members) m.kv.truncate(0);
        Ops op(pool_of(threads), isa);
        op.reserve(model->scratch_bytes(threads, 76, rows, 4));
        for (const auto& pass : kPasses) {
          std::vector<int> joined;
          std::vector<model::Slice> slices;
          for (const int m : {2, 0, 3, 1}) {  // in any order
            if (pass[m] == 0) continue;
            const auto next = std::span(members[size_t(m)].tokens).subspan(size_t(members[size_t(m)].kv.length()));
            joined.insert(joined.end(), next.begin(), next.begin() + pass[m]);
            slices.push_back({&members[size_t(m)].kv, pass[m]});
          }
          op.begin();
          const Mat logits = model->forward(op, joined, slices, rows);
          ASSERT_EQ(logits.rows, rows == Rows::All ? int(joined.size()) : int(slices.size()));
          int row = 0;
          for (const model::Slice& slice : slices) {
            const Member& m = *std::find_if(members.begin(), members.end(), [&](auto& x) { return &x.kv == slice.kv; });
            const int n = rows == Rows::All ? slice.tokens : 1, first = slice.kv->length() - n;
            const auto want = std::span(m.alone).subspan(size_t(first * c.sizes.V), size_t(n * c.sizes.V));
            const std::vector<float> found(logits.row(row), logits.row(row + n));
            EXPECT_TRUE(same_bits(found, std::vector<float>(want.begin(), want.end())))
                << isa << ", " << threads << " threads, sequence " << &m - members.data() << " from " << first;
            row += n;
          }
        }
      }
    }
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back({"qwen3moe_F32", {}, KvType::F32});
  for (const Type type : {Type::Q8_0, Type::Q4_K, Type::Q6_K}) {
    Sizes s = blocks_of_256({.type = type});
    if (type == Type::Q8_0) s = {.type = type, .d = 48, .F = 96};
    all.push_back({"qwen3moe_" + std::string(quant::info(type).name), s});
  }
  all.push_back({"qwen3moe_Q8_0_cache", blocks_of_256({.type = Type::Q4_K}), KvType::Q8_0});
  all.push_back({"qwen3moe_Q16_cache", blocks_of_256({.type = Type::Q4_K}), KvType::Q16});
  all.push_back({"llama_Q8_0_cache", {.architecture = "llama", .type = Type::Q8_0, .d = 64}, KvType::Q8_0});
  for (const char* architecture : {"qwen3", "qwen2", "llama"})
    all.push_back({architecture + std::string("_Q8_0"), {.architecture = architecture, .type = Type::Q8_0}});
  return all;
}
INSTANTIATE_TEST_SUITE_P(Model, SameBits, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case>& p) { return p.param.name; });

}  // namespace
}  // namespace apr::test
