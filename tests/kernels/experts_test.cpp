// The fused verbs against the plain lines they stand for, to the bit.
#include <gtest/gtest.h>

#include "kernels/support.h"

namespace apr::test {
namespace {

using kernels::Input;
using kernels::Routing;
using quant::Type;

struct Shape {  // D in and out, F inside, E experts, K kept
  int D, F, E, K;
};

struct Weights {
  Weights(const Shape& b, Type gate_type, Type down_type, Random& random)
      : gate(random_experts(gate_type, b.E, b.F, b.D, random)),
        up(random_experts(gate_type, b.E, b.F, b.D, random)),
        down(random_experts(down_type, b.E, b.D, b.F, random)) {}
  ExpertMatrices gate, up, down;
};

/// down(silu(gate x) * up x) with the plain verbs.
std::vector<float> plain_feed_forward(Ops& ops, std::vector<float> x, const Weight& gate, const Weight& up,
                                      const Weight& down) {
  ops.begin();
  Input in = ops.input(mat_of(x, gate.n_in));
  const Mat g = ops.project(in, gate), u = ops.project(in, up);
  kernels::choose_kernels(ops.isa()).silu_mul(g.data, u.data, g.rows * g.cols, g.data);
  Input h = ops.input(g);
  return copy_of(ops.project(h, down));
}

/// One token's experts, one by one in id order.
std::vector<float> plain_experts(Ops& ops, const std::vector<float>& x, const int* expert, const float* weight, int K,
                                 const Weights& w) {
  std::vector<float> y(size_t(w.down.view.first.n_out), 0.0f);
  for (int k = 0; k < K; ++k) {
    const int e = expert[k];
    const std::vector<float> o = plain_feed_forward(ops, x, w.gate.view[e], w.up.view[e], w.down.view[e]);
    for (size_t i = 0; i < y.size(); ++i) y[i] = std::fma(weight[k], o[i], y[i]);
  }
  return y;
}

struct Result {
  std::vector<float> y;
  std::vector<int> expert;
  std::vector<float> weight;
};

Result run_experts(Ops& ops, std::vector<float> x, std::vector<float> logits, const Shape& b, const Weights& w) {
  ops.begin();
  const Routing r = ops.route(mat_of(logits, b.E), b.K);
  Input in = ops.input(mat_of(x, b.D));
  const Mat y = ops.experts(in, r, w.gate.view, w.up.view, w.down.view);
  const size_t slots = size_t(r.tokens) * size_t(r.kept);
  return {copy_of(y), {r.expert, r.expert + slots}, {r.weight, r.weight + slots}};
}

std::vector<float> row(const std::vector<float>& m, int cols, int t) {
  return {m.begin() + t * cols, m.begin() + (t + 1) * cols};
}

class Experts : public OnEveryIsa {};
APR_ON_EVERY_ISA(Experts);

void expect_plain_lines(std::string_view isa, const Shape& b, Type gate_type, Type down_type) {
  Random random(1);
  const Weights w(b, gate_type, down_type, random);
  const int T = 19;
  const std::vector<float> x = random.activations(T, b.D), logits = random.floats(size_t(T * b.E), 3);
  auto one = make_ops(isa, 1);
  const Result expected = run_experts(*one, x, logits, b, w);
  for (int threads : {2, 3}) {
    ASSERT_TRUE(same_bits(run_experts(*make_ops(isa, threads), x, logits, b, w).y, expected.y))
        << threads << " threads";
  }
  for (int t = 0; t < T; ++t) {
    ASSERT_TRUE(same_bits(row(expected.y, b.D, t), plain_experts(*one, row(x, b.D, t), expected.expert.data() + t * b.K,
                                                                 expected.weight.data() + t * b.K, b.K, w)))
        << "token " << t;
    ASSERT_TRUE(same_bits(run_experts(*one, row(x, b.D, t), row(logits, b.E, t), b, w).y, row(expected.y, b.D, t)))
        << "token " << t << " without its batch mates";
  }
}

TEST_P(Experts, AreThePlainLinesForEveryKindOfType) {
  const Type pairs[][2] = {{Type::Q4_K, Type::Q6_K}, {Type::Q8_0, Type::Q8_0},    {Type::Q2_K, Type::Q3_K},
                           {Type::F32, Type::F32},   {Type::F16, Type::Q5_1},     {Type::Q5_K, Type::BF16},
                           {Type::Q4_0, Type::F32},  {Type::IQ4_XS, Type::IQ4_NL}};
  for (const auto& [gate, down] : pairs) {
    SCOPED_TRACE(testing::Message() << quant::info(gate).name << " and " << quant::info(down).name);
    expect_plain_lines(isa(), {256, 256, 6, 2}, gate, down);
  }
}

TEST_P(Experts, AreThePlainLinesForOddShapes) {  // F past a block and a panel, D past a panel, one expert, all kept
  expect_plain_lines(isa(), {64, 96, 4, 3}, Type::Q8_0, Type::Q4_1);
  expect_plain_lines(isa(), {40, 20, 3, 2}, Type::F32, Type::F16);
  expect_plain_lines(isa(), {7, 33, 5, 5}, Type::F32, Type::F32);
  expect_plain_lines(isa(), {32, 17, 1, 1}, Type::Q8_0, Type::F32);
}

TEST_P(Experts, AreTheSameBitsAsScalar) {
  Random random(2);
  const Shape b{256, 512, 8, 3};
  const Weights w(b, Type::Q4_K, Type::Q6_K, random);
  const std::vector<float> x = random.activations(33, b.D), logits = random.floats(size_t(33 * b.E), 3);
  EXPECT_TRUE(same_bits(run_experts(*make_ops(isa(), 2), x, logits, b, w).y,
                        run_experts(*make_ops("scalar", 1), x, logits, b, w).y));
}

TEST_P(Experts, PackedWeightsGiveTheSameBits) {
  Random random(5);
  const Type pairs[][2] = {{Type::Q4_K, Type::Q6_K}, {Type::Q8_0, Type::Q5_1}, {Type::IQ4_XS, Type::F32}};
  for (const auto& [gate_type, down_type] : pairs) {
    const Shape b{256, 512, 8, 3};
    Weights w(b, gate_type, down_type, random);
    const std::vector<float> x = random.activations(9, b.D), logits = random.floats(size_t(9 * b.E), 3);
    auto ops = make_ops(isa(), 2);
    const std::vector<float> stored = run_experts(*ops, x, logits, b, w).y;
    std::vector<Packed> packed;
    for (ExpertMatrices* m : {&w.gate, &w.up, &w.down}) {
      if (!quant::info(m->view.first.type).quantised()) continue;
      m->view.first = packed.emplace_back(*ops, m->view.first, b.E).view;
    }
    for (int threads : kThreadCounts)
      ASSERT_TRUE(same_bits(run_experts(*make_ops(isa(), threads), x, logits, b, w).y, stored)) << threads;
    ASSERT_TRUE(same_bits(run_experts(*ops, row(x, b.D, 4), row(logits, b.E, 4), b, w).y, row(stored, b.D, 4)));
  }
}

TEST_P(Experts, AllTokensMayChooseTheSameOne) {
  Random random(3);
  const Shape b{64, 32, 4, 1};
  const Weights w(b, Type::Q5_0, Type::Q8_0, random);
  const int T = 40;
  const std::vector<float> x = random.activations(T, b.D);
  std::vector<float> logits(size_t(T * b.E), 0.0f);
  for (int t = 0; t < T; ++t) logits[size_t(t * b.E + 2)] = 5;
  auto ops = make_ops(isa(), 2);
  const Result result = run_experts(*ops, x, logits, b, w);
  std::vector<float> plain =
      plain_feed_forward(*ops, x, w.gate.view[2], w.up.view[2], w.down.view[2]);  // weight 1: fma(1, o, 0) is o
  for (float& v : plain) v += 0.0f;                                               // but for -0
  EXPECT_TRUE(same_bits(result.y, plain));
}

TEST_P(Experts, FeedForwardIsThePlainLines) {
  Random random(4);
  const Type pairs[][2] = {{Type::Q4_K, Type::Q6_K}, {Type::F16, Type::F16}, {Type::Q8_0, Type::F32}};
  for (const auto& [gate_type, down_type] : pairs) {
    const int D = 256, F = 288 * (down_type == Type::Q6_K ? 8 : 1), T = 21;  // 2304 is nine blocks of 256
    const Matrix gate = random_matrix(gate_type, F, D, random), up = random_matrix(gate_type, F, D, random),
                 down = random_matrix(down_type, D, F, random);
    std::vector<float> x = random.activations(T, D);
    auto one = make_ops(isa(), 1);
    const std::vector<float> expected = plain_feed_forward(*one, x, gate.view, up.view, down.view);
    for (int threads : kThreadCounts) {
      auto ops = make_ops(isa(), threads);
      Input in = ops->input(mat_of(x, D));
      ASSERT_TRUE(same_bits(copy_of(ops->feed_forward(in, gate.view, up.view, down.view)), expected));
    }
    for (int t : {0, 8, T - 1}) {
      std::vector<float> alone = row(x, D, t);
      one->begin();
      Input in = one->input(mat_of(alone, D));
      ASSERT_TRUE(same_bits(copy_of(one->feed_forward(in, gate.view, up.view, down.view)), row(expected, D, t)));
    }
  }
}

}  // namespace
}  // namespace apr::test
