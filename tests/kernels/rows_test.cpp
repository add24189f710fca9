// Verbs on rows, on every instruction set: close to doubles, and the same bits as scalar.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "kernels/generic/math.h"
#include "kernels/isa/scalar.h"
#include "kernels/reference.h"
#include "kernels/support.h"

namespace apr::test {
namespace {

constexpr int kLengths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100, 128, 2048};
constexpr float kInf = std::numeric_limits<float>::infinity();

float our_exp(float x) {
  using isa = kernels::isa::Scalar;
  return kernels::generic::exp<isa>(isa::set(x)).v[0];
}

TEST(Exp, IsWithinItsBoundOverADenseSweep) {
  for (int i = -87 * 20000; i <= 88 * 20000; ++i) {
    const float x = float(i) / 20000;
    const double expected = std::exp(double(x));
    ASSERT_NEAR(our_exp(x), expected, kExpError * expected) << x;
  }
}

TEST(Exp, IsHeldToItsRange) {
  for (float x : {-87.5f, -100.0f, -1e30f, -kInf}) EXPECT_EQ(our_exp(x), our_exp(-87.0f)) << x;
  for (float x : {88.5f, 100.0f, 1e30f, kInf}) EXPECT_EQ(our_exp(x), our_exp(88.0f)) << x;
  EXPECT_TRUE(std::isnan(our_exp(std::nanf(""))));
  EXPECT_EQ(our_exp(0.0f), 1.0f);
  EXPECT_EQ(our_exp(-0.0f), 1.0f);
}

class RowVerbs : public OnEveryIsa {
 protected:
  /// Runs `verb` with these kernels and with scalar, on fresh copies of y, and expects the same bits.
  std::vector<float> run(const std::vector<float>& y, const std::function<void(const Kernels&, float*)>& verb) {
    std::vector<float> ours = y, expected = y;
    verb(kernels(), ours.data());
    verb(scalar(), expected.data());
    EXPECT_TRUE(same_bits(ours, expected));
    return ours;
  }
};
APR_ON_EVERY_ISA(RowVerbs);

// The sum of squares has positive terms: each goes through ceil(n / 16) fmas, 4 additions, the division by n and the
// addition of eps, half of which survive the square root; then come the root, its inverse and two products.
TEST_P(RowVerbs, RmsNormIsWithinItsRoundings) {
  Random random(1);
  for (int n : kLengths) {
    for (float magnitude : {1e-6f, 1.0f, 1e6f}) {
      const float eps = 1e-6f;
      const std::vector<float> x = random.floats(size_t(n), magnitude), weight = random.floats(size_t(n), 2);
      const std::vector<float> y =
          run(x, [&](const Kernels& k, float* row) { k.rms_norm(x.data(), weight.data(), n, eps, row); });
      double squares = 0;
      for (float v : x) squares += double(v) * double(v);
      const double inverse = 1 / std::sqrt(squares / n + double(eps));
      const double roundings = ((n + 15) / 16 + 4 + 2) / 2.0 + 4;
      for (size_t i = 0; i < y.size(); ++i) {
        const double expected = double(x[i]) * inverse * double(weight[i]);
        ASSERT_NEAR(y[i], expected, gamma(roundings) * std::fabs(expected)) << "n " << n << ", element " << i;
      }
    }
  }
}

TEST_P(RowVerbs, RmsNormInPlaceIsTheSame) {
  Random random(2);
  const std::vector<float> x = random.floats(100), weight = random.floats(100);
  std::vector<float> apart(100), in_place = x;
  kernels().rms_norm(x.data(), weight.data(), 100, 1e-6f, apart.data());
  kernels().rms_norm(in_place.data(), weight.data(), 100, 1e-6f, in_place.data());
  EXPECT_TRUE(same_bits(apart, in_place));
}

TEST_P(RowVerbs, RmsNormOfZerosIsZeros) {
  const std::vector<float> y = run(std::vector<float>(33, 0.0f), [](const Kernels& k, float* row) {
    const std::vector<float> ones(33, 1.0f);
    k.rms_norm(row, ones.data(), 33, 1e-6f, row);
  });
  EXPECT_EQ(y, std::vector<float>(33, 0.0f));
}

// g / (1 + e^-g) * up: the error of exp, at most halved or kept by the addition of 1, and three roundings. From g < -87
// down, exp stands still and the result is nearly nothing on both sides.
TEST_P(RowVerbs, SiluMulIsWithinTheErrorOfExp) {
  Random random(3);
  std::vector<float> gate, up;
  for (int i = -100 * 500; i <= 100 * 500; ++i) gate.push_back(float(i) / 500), up.push_back(4 * random.unit());
  const int n = int(gate.size());
  const std::vector<float> y =
      run(gate, [&](const Kernels& k, float* row) { k.silu_mul(gate.data(), up.data(), n, row); });
  for (size_t i = 0; i < y.size(); ++i) {
    const double g = gate[i], expected = g / (1 + std::exp(-g)) * double(up[i]);
    const double nothing = g < -87 ? std::fabs(g * double(up[i])) * std::exp(-86.9) : 0;
    ASSERT_NEAR(y[i], expected, (kExpError + gamma(3)) * (1 + kExpError) * std::fabs(expected) + nothing) << g;
  }
}

TEST_P(RowVerbs, SiluMulOfAnyLengthAndOfExtremes) {
  Random random(4);
  for (int n : kLengths) {
    const std::vector<float> gate = random.floats(size_t(n), 3), up = random.floats(size_t(n));
    std::vector<float> y(size_t(n) + 1, 7.0f);
    run(y, [&](const Kernels& k, float* row) { k.silu_mul(gate.data(), up.data(), n, row); });
    kernels().silu_mul(gate.data(), up.data(), n, y.data());
    EXPECT_EQ(y.back(), 7.0f) << "wrote past " << n;
  }
  const std::vector<float> gate = {1e30f, -1e30f, kInf, 0.0f, -0.0f, 3e38f}, up(6, 1.0f);
  const std::vector<float> y = run(gate, [&](const Kernels& k, float* row) { k.silu_mul(row, up.data(), 6, row); });
  EXPECT_EQ(y[0], 1e30f);
  EXPECT_EQ(y[2], kInf);
  EXPECT_EQ(y[3], 0.0f);
  EXPECT_EQ(y[5], 3e38f);
  EXPECT_LE(std::fabs(y[1]), 1e30 * std::exp(-87.9));  // about -6e-9: exp is held to e^88
}

// e_i = exp(x_i - most): one rounding of the difference, which exp multiplies by its size, and exp's own error. The sum
// has positive terms, so its relative error is the worst of a term's plus ceil(n / 16) + 4 additions; one division.
TEST_P(RowVerbs, SoftmaxIsWithinItsRoundings) {
  Random random(5);
  for (int n : kLengths) {
    for (float spread : {0.01f, 1.0f, 40.0f}) {
      const std::vector<float> x = random.floats(size_t(n), spread);
      const std::vector<float> p = run(x, [&](const Kernels& k, float* row) { k.softmax(row, n); });
      double most = x[0], sum = 0, ours = 0;
      for (float v : x) most = std::fmax(most, double(v));
      for (float v : x) sum += std::exp(double(v) - most);
      const double term = kExpError + gamma(1) * 2 * double(spread);
      const double relative = 1.01 * (2 * term + gamma((n + 15) / 16 + 5));
      for (size_t i = 0; i < x.size(); ++i) {
        const double expected = std::exp(double(x[i]) - most) / sum;
        ASSERT_NEAR(p[i], expected, relative * expected) << "n " << n << ", element " << i;
        ours += double(p[i]);
      }
      ASSERT_NEAR(ours, 1, gamma((n + 15) / 16 + 5));  // whatever exp was, it cancels
    }
  }
}

TEST_P(RowVerbs, SoftmaxOfLargeNumbersIsFinite) {
  const std::vector<float> p =
      run({1000, 999, -1000, 3e38f, -3e38f}, [](const Kernels& k, float* row) { k.softmax(row, 5); });
  EXPECT_EQ(p[3], 1.0f);
  for (float v : p) EXPECT_TRUE(v >= 0 && v <= 1);
  const std::vector<float> two = run({1000, 999}, [](const Kernels& k, float* row) { k.softmax(row, 2); });
  EXPECT_NEAR(two[0], 1 / (1 + std::exp(-1.0)), 1e-6);
}

TEST_P(RowVerbs, SoftmaxOfNanAndInfinityIsNotANumber) {
  for (const std::vector<float>& x :
       {std::vector<float>(20, std::nanf("")), {kInf, 0, -kInf}, std::vector<float>(5, -kInf), {1, 2, std::nanf("")}}) {
    std::vector<float> p = x;
    kernels().softmax(p.data(), int(p.size()));
    for (float v : p) EXPECT_TRUE(std::isnan(v)) << v;
  }
}

TEST_P(RowVerbs, AddIsOneAdditionAndAddScaledOneFma) {
  Random random(6);
  for (int n : kLengths) {
    const std::vector<float> y = random.floats(size_t(n) + 3), x = random.floats(size_t(n) + 3, 1e3f);
    const float w = random.unit();
    std::vector<float> sum = y, scaled = y;  // three elements past the end must stay
    for (size_t i = 0; i < size_t(n); ++i) sum[i] = y[i] + x[i], scaled[i] = std::fma(w, x[i], y[i]);
    EXPECT_TRUE(same_bits(run(y, [&](const Kernels& k, float* row) { k.add(row, x.data(), n); }), sum));
    EXPECT_TRUE(same_bits(run(y, [&](const Kernels& k, float* row) { k.add_scaled(row, x.data(), w, n); }), scaled));
  }
}

// The verbs of Ops around them.
TEST_P(RowVerbs, OpsApplyThemRowByRow) {
  Random random(9);
  const int rows = 70, cols = 160, d = 32;  // more than is done without the pool
  const std::vector<float> x = random.floats(size_t(rows) * cols), weight = random.floats(cols),
                           other = random.floats(size_t(rows) * cols);
  for (int threads : kThreadCounts) {
    auto ops = make_ops(isa(), threads);
    std::vector<float> in = x, rhs = other;
    const Mat normed = ops->rms_norm(mat_of(in, cols), weight.data(), 1e-6f);
    std::vector<float> heads = x, sum = x, biased = x;
    ops->rms_norm_heads(mat_of(heads, cols), d, weight.data(), 1e-6f);
    ops->add(mat_of(sum, cols), mat_of(rhs, cols));
    ops->add_bias(mat_of(biased, cols), weight.data());
    for (int t = 0; t < rows; ++t) {
      std::vector<float> expected(cols);
      const float* xt = x.data() + t * cols;
      scalar().rms_norm(xt, weight.data(), cols, 1e-6f, expected.data());
      ASSERT_TRUE(same_bits(normed.row(t), expected.data(), cols));
      for (int c = 0; c < cols; c += d) scalar().rms_norm(xt + c, weight.data(), d, 1e-6f, expected.data() + c);
      ASSERT_TRUE(same_bits(heads.data() + t * cols, expected.data(), cols));
      for (int c = 0; c < cols; ++c) expected[size_t(c)] = xt[c] + other[size_t(t * cols + c)];
      ASSERT_TRUE(same_bits(sum.data() + t * cols, expected.data(), cols));
      for (int c = 0; c < cols; ++c) expected[size_t(c)] = xt[c] + weight[size_t(c)];
      ASSERT_TRUE(same_bits(biased.data() + t * cols, expected.data(), cols));
    }
    EXPECT_TRUE(same_bits(in, x)) << "rms_norm must not change its input";
  }
}

}  // namespace
}  // namespace apr::test
