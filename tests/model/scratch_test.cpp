// Scratch memory: what a model asks for is enough for its forward, and a forward takes nothing else.
#include <gtest/gtest.h>

#include "model/running.h"
#include "model/synthetic.h"

namespace apr::test {
namespace {

using quant::Type;

class Scratch : public testing::TestWithParam<Sizes> {};

TEST_P(Scratch, IsWhatAForwardTakes) {
  const gguf::File file = make_model(GetParam()).file();
  const auto model = model::load(file);
  for (const int threads : kThreadCounts) {
    for (const int T : {1, 5, 64}) {
      for (const Rows rows : {Rows::Last, Rows::All}) {
        const size_t bytes = model->scratch_bytes(threads, T, rows);
        Ops op(pool_of(threads));
        op.reserve(2 * bytes);  // room to see that it is not used; logits_of() reserves exactly `bytes`
        KvCache kv = cache_for(*model, T, KvType::F16);
        op.begin();
        const Mat logits = model->forward(op, some_tokens(T, model->config().V), kv, rows);
        // Measuring may count an input's int8 form once for each matrix that reads it.
        EXPECT_LE(op.peak_bytes(), bytes) << threads << " threads, " << T << " tokens";
        EXPECT_GE(op.peak_bytes(), bytes - bytes / 4) << threads << " threads, " << T << " tokens";
        EXPECT_EQ(logits.rows, rows == Rows::All ? T : 1);
      }
    }
  }
}

TEST_P(Scratch, OfSeveralSequencesToo) {
  const gguf::File file = make_model(GetParam()).file();
  const auto model = model::load(file);
  for (const Rows rows : {Rows::Last, Rows::All}) {
    for (const int shorter : {0, 3}) {  // what is planned for may not come
      Ops op(pool_of(2));
      op.reserve(model->scratch_bytes(2, 12, rows, 5));  // more would end the program
      std::vector<KvCache> caches;
      std::vector<model::Slice> slices;
      for (int s = 0; s < 5; ++s) caches.push_back(cache_for(*model, 12, KvType::F16));
      int tokens = 0;
      for (int s = shorter; s < 5; ++s) {
        slices.push_back({&caches[size_t(s)], s == 4 ? 8 : 1});
        tokens += slices.back().tokens;
      }
      op.begin();
      const Mat logits = model->forward(op, some_tokens(tokens, model->config().V), slices, rows);
      EXPECT_EQ(logits.rows, rows == Rows::All ? tokens : int(slices.size()));
    }
  }
}

/// A chunk's last tokens may be fewer.
TEST_P(Scratch, FewerTokensTakeNoMore) {
  const gguf::File file = make_model(GetParam()).file();
  const auto model = model::load(file);
  size_t most = 0;
  for (int T = 1; T <= 70; ++T) {
    const size_t bytes = model->scratch_bytes(2, T, Rows::All);
    EXPECT_GE(bytes, most) << T << " tokens";
    most = std::max(most, bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Model, Scratch,
                         testing::Values(Sizes{}, Sizes{.type = Type::Q8_0}, Sizes{.architecture = "qwen3"},
                                         Sizes{.architecture = "qwen2", .type = Type::Q8_0},
                                         Sizes{.architecture = "llama", .type = Type::F16}),
                         [](const testing::TestParamInfo<Sizes>& p) {
                           return p.param.architecture + "_" + std::string(quant::info(p.param.type).name);
                         });

}  // namespace
}  // namespace apr::test
