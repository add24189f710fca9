// Activations to int8 blocks, on every instruction set.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "kernels/reference.h"
#include "kernels/support.h"

namespace apr::test {
namespace {

using kernels::XBlock;

class Quantise : public OnEveryIsa {
 protected:
  std::vector<XBlock> quantise(const std::vector<float>& x) const { return quantise_on(kernels(), x); }
  static std::vector<XBlock> quantise_on(const Kernels& k, const std::vector<float>& x) {
    std::vector<XBlock> out(size_t(kernels::x_blocks(int(x.size()))));
    std::memset(static_cast<void*>(out.data()), 0xee, out.size() * sizeof(XBlock));
    k.quantise(x.data(), int(x.size()), out.data());
    return out;
  }
};
APR_ON_EVERY_ISA(Quantise);

void expect_block(const XBlock& ours, const QuantisedBlock& expected) {
  for (size_t i = 0; i < 32; ++i) ASSERT_EQ(ours.code[i], expected.code[i]) << "element " << i;
  ASSERT_EQ(ours.scale, expected.scale);
  ASSERT_EQ(ours.sum, expected.scale * float(expected.sum(0, 32)));
  ASSERT_EQ(ours.bias, -128 * expected.sum(0, 32));
  for (int h = 0; h < 2; ++h) {
    const int sum = expected.sum(16 * h, 16 * h + 16);
    ASSERT_EQ(ours.half_sum[h], expected.scale * float(sum)) << "half " << h;
    ASSERT_EQ(ours.half_bias[h], -128 * sum) << "half " << h;
  }
}

void expect_blocks(const std::vector<XBlock>& ours, const std::vector<float>& x) {
  const std::vector<QuantisedBlock> expected = quantise_reference(x.data(), int(x.size()));
  ASSERT_EQ(ours.size(), expected.size());
  for (size_t b = 0; b < ours.size(); ++b) {
    SCOPED_TRACE(testing::Message() << "block " << b);
    expect_block(ours[b], expected[b]);
  }
}

TEST_P(Quantise, IsTheDefinitionForAnyLength) {  // past the end, codes are zero
  Random random(1);
  for (int n : {1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 96, 2048}) {
    const std::vector<float> x = random.activations(1, n);
    expect_blocks(quantise(x), x);
  }
}

TEST_P(Quantise, IsTheDefinitionForAnyMagnitude) {
  Random random(2);
  for (float magnitude : {1e-44f, 1e-38f, 1e-31f, 1e-30f, 1.1e-30f, 1e-29f, 1e-3f, 1.0f, 1e20f, 3e38f}) {
    const std::vector<float> x = random.floats(320, magnitude);
    expect_blocks(quantise(x), x);
  }
}

TEST_P(Quantise, TiesGoToEvenCodes) {
  std::vector<float> x = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 125.5f, 126.5f, -126.5f};
  const int expected[] = {127, 0, 2, 2, 0, -2, -2, 126, 126, -126};
  const std::vector<XBlock> q = quantise(x);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(q[0].code[i], expected[i]) << x[i];
}

TEST_P(Quantise, TheLargestMagnitudeIsFoundInEveryLane) {
  for (size_t at = 0; at < 32; ++at) {
    for (float most : {8.0f, -8.0f}) {
      std::vector<float> x(32, 1.0f);
      x[at] = most;
      const std::vector<XBlock> q = quantise(x);
      EXPECT_EQ(q[0].scale, 8.0f / 127);
      EXPECT_EQ(q[0].code[at], most > 0 ? 127 : -127);
      EXPECT_EQ(q[0].code[(at + 1) % 32], 16);
    }
  }
}

// |x - scale * code| <= scale / 2 + 3 roundings of x: of 127 / most, of its product with x (the rounding to an integer
// that follows is the half), and of scale, which stands for x / code.
TEST_P(Quantise, ErrorIsHalfAStep) {
  Random random(3);
  const std::vector<float> x = random.activations(64, 32);
  const std::vector<XBlock> q = quantise(x);
  for (size_t i = 0; i < x.size(); ++i) {
    const XBlock& b = q[i / 32];
    const double error = std::fabs(double(x[i]) - double(b.scale) * b.code[i % 32]);
    ASSERT_LE(error, double(b.scale) / 2 * (1 + kUnitRoundoff) + gamma(3) * std::fabs(double(x[i]))) << i;
  }
}

TEST_P(Quantise, ZerosStayZeros) {
  for (float zero : {0.0f, -0.0f, 1e-31f, -1e-31f, std::numeric_limits<float>::denorm_min()}) {
    const std::vector<XBlock> q = quantise(std::vector<float>(64, zero));
    for (const XBlock& b : q) expect_block(b, QuantisedBlock{});
  }
}

// A block with a NaN or an infinity has a NaN for its scale, so that it shows in every product; its codes are not
// promised, only that they are the same on every instruction set and in range: outside it, products would differ.
TEST_P(Quantise, NanAndInfinityStayVisibleAndAgreeEverywhere) {
  Random random(4);
  constexpr float inf = std::numeric_limits<float>::infinity();
  std::vector<float> odd = {std::nanf(""), -std::nanf(""), inf, -inf};
  for (uint32_t payload : {0x7fc00080u, 0xffc000ffu, 0x7f800080u, 0xffffffffu, 0x7fc0007fu})
    odd.push_back(std::bit_cast<float>(payload));
  for (float value : odd) {
    for (size_t at = 0; at < 32; ++at) {
      std::vector<float> x = random.floats(32);
      x[at] = value;
      if (at % 3 == 0) x[(at + 5) % 32] = inf;
      const XBlock ours = quantise(x)[0], expected = quantise_on(scalar(), x)[0];
      ASSERT_EQ(std::memcmp(ours.code, expected.code, 32), 0) << std::bit_cast<uint32_t>(value) << " at " << at;
      ASSERT_EQ(ours.bias, expected.bias);
      for (int8_t code : ours.code) ASSERT_GE(code, -127) << std::bit_cast<uint32_t>(value) << " at " << at;
      ASSERT_TRUE(std::isnan(ours.scale) && std::isnan(expected.scale));
      ASSERT_TRUE(std::isnan(ours.sum) && std::isnan(ours.half_sum[0]) && std::isnan(ours.half_sum[1]));
    }
  }
}

}  // namespace
}  // namespace apr::test
