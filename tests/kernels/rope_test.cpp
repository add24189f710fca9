// Rotary positions and embeddings: scalar code in Ops, held to doubles.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/support.h"

namespace apr::test {
namespace {

using kernels::RopePairs;

std::vector<double> frequencies(int pairs, double base) {
  std::vector<double> f;
  for (int i = 0; i < pairs; ++i) f.push_back(std::pow(base, -double(i) / pairs));
  return f;
}

// The product position * frequency is rounded to 53 bits, an absolute error of angle * 2^-53 that sine and cosine pass
// on at most as large; their values, at most 1, are then rounded to f32: 2^-25.
TEST(RopeAngles, AreRightAtLargePositions) {
  const std::vector<double> f = frequencies(64, 1e7);
  auto ops = make_ops("scalar", 2);
  for (int first : {0, 1, 4095, 262143, 1 << 24, 2000000000}) {
    ops->begin();
    const int T = 5;
    const Mat angles = ops->rope_angles(first, T, f);
    ASSERT_EQ(angles.rows, T);
    ASSERT_EQ(angles.cols, 128);
    for (int t = 0; t < T; ++t) {
      for (size_t i = 0; i < f.size(); ++i) {
        const long double angle = (long double)(first + t) * f[i];
        const double slack = 0x1p-25 + double(angle) * 0x1p-53 + 1e-15;
        ASSERT_NEAR(angles.row(t)[i], double(cosl(angle)), slack) << "position " << first + t << ", pair " << i;
        ASSERT_NEAR(angles.row(t)[64 + i], double(sinl(angle)), slack) << "position " << first + t << ", pair " << i;
      }
    }
  }
}

TEST(RopeAngles, DoNotDependOnWhereTheChunkBegins) {
  const std::vector<double> f = frequencies(64, 1e6);
  auto one = make_ops("scalar", 1), three = make_ops("scalar", 3);
  const Mat whole = three->rope_angles(1000, 100, f);
  for (int t : {0, 1, 63, 99}) {
    one->begin();
    EXPECT_TRUE(same_bits(one->rope_angles(1000 + t, 1, f).row(0), whole.row(t), 128));
  }
}

/// Turns x (one head of d) by `angles` in doubles; the partners are given by the pairing.
void expect_turned(const float* x, const float* y, int d, int pairs, const float* angles, RopePairs pairing) {
  for (int i = 0; i < pairs; ++i) {
    const int a = pairing == RopePairs::Halves ? i : 2 * i, b = pairing == RopePairs::Halves ? i + pairs : 2 * i + 1;
    const double c = angles[i], s = angles[pairs + i];
    const double slack = gamma(2) * (std::fabs(x[a]) + std::fabs(x[b]));  // a product and a sum, |c| and |s| at most 1
    ASSERT_NEAR(y[a], x[a] * c - x[b] * s, slack) << "element " << a;
    ASSERT_NEAR(y[b], x[b] * c + x[a] * s, slack) << "element " << b;
  }
  for (int i = 2 * pairs; i < d; ++i) ASSERT_EQ(y[i], x[i]) << "element " << i << " lies past the turned ones";
}

class Rope : public testing::TestWithParam<RopePairs> {};
INSTANTIATE_TEST_SUITE_P(Pairs, Rope, testing::Values(RopePairs::Halves, RopePairs::Neighbours), [](const auto& p) {
  return p.param == RopePairs::Halves ? std::string("Halves") : std::string("Neighbours");
});

TEST_P(Rope, TurnsEachHeadByItsPosition) {
  Random random(1);
  struct Shape {
    int T, heads, d, pairs;
  };
  for (const Shape& s : {Shape{1, 1, 2, 1}, Shape{3, 4, 8, 4}, Shape{70, 4, 128, 64}, Shape{5, 2, 80, 20}}) {
    for (int threads : kThreadCounts) {
      auto ops = make_ops("scalar", threads);
      const std::vector<float> x = random.floats(size_t(s.T * s.heads * s.d), 3);
      std::vector<float> y = x;
      const Mat angles = ops->rope_angles(11, s.T, frequencies(s.pairs, 1e4));
      ops->rope(mat_of(y, s.heads * s.d), s.d, angles, GetParam());
      for (int t = 0; t < s.T; ++t) {
        for (int h = 0; h < s.heads; ++h) {
          const size_t at = size_t(t * s.heads + h) * size_t(s.d);
          expect_turned(x.data() + at, y.data() + at, s.d, s.pairs, angles.row(t), GetParam());
        }
      }
    }
  }
}

TEST_P(Rope, PositionZeroTurnsNothing) {
  Random random(2);
  auto ops = make_ops("scalar", 1);
  const std::vector<float> x = random.floats(64);
  std::vector<float> y = x;
  ops->rope(mat_of(y, 64), 64, ops->rope_angles(0, 1, frequencies(32, 1e4)), GetParam());
  EXPECT_EQ(x, y);
}

TEST(Embed, GivesTheDecodedRows) {
  Random random(3);
  const int n = 256, vocabulary = 40;
  std::vector<int32_t> tokens = {39, 0, 7, 7, 13};
  for (int i = 0; i < 50; ++i) tokens.push_back(random.below(vocabulary));
  for (const quant::TypeInfo& type : quant::all_types()) {
    const Matrix table = random_matrix(type.type, vocabulary, n, random);
    for (int threads : kThreadCounts) {
      auto ops = make_ops("", threads);
      const Mat x = ops->embed(table.view, tokens);
      ASSERT_EQ(x.rows, int(tokens.size()));
      ASSERT_EQ(x.cols, n);
      for (int t = 0; t < x.rows; ++t) {
        for (int i = 0; i < n; ++i) {
          const float expected = float(row_element(type.type, table.view.row(tokens[size_t(t)]), i).value());
          ASSERT_EQ(x.row(t)[i], expected) << type.name << " token " << t << " element " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace apr::test
