// Ops::measuring counts what the same calls take for real.
#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/support.h"

namespace apr::test {
namespace {

using kernels::Input;
using kernels::KvType;
using kernels::KvView;
using quant::Type;

/// Weights and caches of a small model, for passes of up to 70 tokens.
struct SmallModel {
  static constexpr int kD = 256, kHeads = 8, kKvHeads = 2, kDim = 32, kE = 6, kK = 2, kF = 96;
  Random random{1};
  Matrix embed = random_matrix(Type::Q4_K, 50, kD, random);
  Matrix q = random_matrix(Type::Q6_K, kHeads*kDim, kD, random),
         k = random_matrix(Type::F16, kKvHeads*kDim, kD, random);
  Matrix o = random_matrix(Type::Q8_0, kD, kHeads*kDim, random), router = random_matrix(Type::F32, kE, kD, random);
  ExpertMatrices gate = random_experts(Type::Q4_K, kE, kF, kD, random),
                 up = random_experts(Type::Q4_K, kE, kF, kD, random);
  ExpertMatrices down = random_experts(Type::Q5_0, kE, kD, kF, random);
  Matrix dense_down = random_matrix(Type::F32, kD, kF, random);
  std::vector<float> norm = random.floats(kD), kv_bytes = std::vector<float>(2 * kKvHeads * kDim * 512);

  KvView cache(int cached) {
    std::byte* bytes = reinterpret_cast<std::byte*>(kv_bytes.data());
    return {bytes, bytes + kKvHeads * kDim * 512 * 4, kKvHeads, kDim, 512, cached, KvType::F32};
  }

  /// Every verb that takes from the arena.
  void pass(Ops& ops, int T, int cached) {
    ops.begin();
    const std::vector<int32_t> tokens(size_t(T), 3);
    const Mat x = ops.embed(embed.view, tokens);
    const Mat angles = ops.rope_angles(cached, T, std::vector<double>(kDim / 2, 0.5));
    {
      auto layer = ops.scope();
      Input in = ops.input(ops.rms_norm(x, norm.data(), 1e-6f));
      Mat mq, mk, mv;
      ops.project(in, {{q.view, mq}, {k.view, mk}, {k.view, mv}});
      ops.rms_norm_heads(mq, kDim, norm.data(), 1e-6f);
      ops.rope(mq, kDim, angles, kernels::RopePairs::Halves);
      ops.append(cache(cached), mk, mv);
      Input a = ops.input(ops.attend(mq, cache(cached), 0.2f));
      ops.add(x, ops.project(a, o.view));
    }
    auto layer = ops.scope();
    Input in = ops.input(ops.rms_norm(x, norm.data(), 1e-6f));
    ops.add(x, ops.experts(in, ops.route(ops.project(in, router.view), kK), gate.view, up.view, down.view));
    Input again = ops.input(x);
    ops.add(x, ops.feed_forward(again, gate.view[0], up.view[0], dense_down.view));
  }
};

TEST(Measuring, PeakIsThatOfTheRealPass) {
  SmallModel model;
  for (int T : {1, 2, 7, 16, 33, 70, 193, 403}) {
    for (int threads : kThreadCounts) {
      Ops measuring = Ops::measuring(threads);
      EXPECT_TRUE(measuring.is_measuring());
      model.pass(measuring, T, 50);
      for (int isa = 0; isa < int(kernels::all_isas().size()); ++isa) {
        if (!isa_row(isa).supported()) continue;
        auto real = make_ops(isa_name(isa), threads, measuring.peak_bytes());  // taking more would end the program
        model.pass(*real, T, 50);
        EXPECT_EQ(real->peak_bytes(), measuring.peak_bytes()) << "T " << T << ", threads " << threads;
      }
    }
  }
}

TEST(Measuring, MoreTokensOrThreadsNeverTakeLess) {
  SmallModel model;
  size_t before = 0;
  for (int T : {1, 2, 8, 33, 70, 193, 403}) {
    size_t fewer = 0;
    for (int threads : {1, 2, 5}) {
      Ops measuring = Ops::measuring(threads);
      model.pass(measuring, T, 0);
      EXPECT_GE(measuring.peak_bytes(), fewer);
      fewer = measuring.peak_bytes();
    }
    EXPECT_GE(fewer, before);
    before = fewer;
  }
}

TEST(Measuring, AReservationTheSystemRefusesIsATypedError) {
#ifdef APR_SANITIZED
  GTEST_SKIP() << "sanitizers end the program on huge allocations";
#endif
  Ops ops(pool_of(1), "scalar");
  try {
    ops.reserve(size_t(1) << 62);
    FAIL() << "four exbibytes were granted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::Memory);
  }
}

}  // namespace
}  // namespace apr::test
