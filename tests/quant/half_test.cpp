#include "quant/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "quant/reference.h"

namespace apr::quant {
namespace {

TEST(Half, AllHalvesWiden) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const float ours = half_to_float(uint16_t(h));
    const double expected = test::half_value(uint16_t(h));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(ours)) << h;
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(ours), std::bit_cast<uint32_t>(float(expected))) << h;
    }
  }
}

TEST(Half, AllHalvesComeBack) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const uint16_t back = float_to_half(half_to_float(uint16_t(h)));
    if (std::isnan(test::half_value(uint16_t(h)))) {
      ASSERT_TRUE(std::isnan(test::half_value(back))) << h;
      ASSERT_EQ(back & 0x8000u, h & 0x8000u);
    } else {
      ASSERT_EQ(back, h);
    }
  }
}

void expect_nearest(float f) { ASSERT_EQ(float_to_half(f), test::nearest_half(f)) << std::hexfloat << f; }

TEST(Half, NarrowingIsToNearestAroundEveryHalfAndEveryTie) {
  constexpr float up = std::numeric_limits<float>::infinity();
  for (uint32_t h = 0; h < 0x7c00; ++h) {
    const float here = float(test::half_value(uint16_t(h)));
    const float next = h == 0x7bff ? 65536.0f : float(test::half_value(uint16_t(h + 1)));
    const float tie = here + (next - here) / 2;  // exact: halves are 13 bits shorter
    for (float f : {here, tie}) {
      for (float near : {std::nextafter(f, -up), f, std::nextafter(f, up)}) {
        expect_nearest(near);
        expect_nearest(-near);
      }
    }
  }
}

TEST(Half, NarrowingIsToNearestAllOverTheFloats) {
  for (uint64_t bits = 0; bits < 0x7f800000; bits += 1021) {  // a prime, so that low bits vary
    expect_nearest(std::bit_cast<float>(uint32_t(bits)));
    expect_nearest(-std::bit_cast<float>(uint32_t(bits)));
  }
}

TEST(Half, NarrowingTheExtremes) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(float_to_half(inf), 0x7c00);
  EXPECT_EQ(float_to_half(-inf), 0xfc00);
  EXPECT_EQ(float_to_half(65504.0f), 0x7bff);
  EXPECT_EQ(float_to_half(65519.99f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::max()), 0x7c00);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(float_to_half(-0.0f), 0x8000);
  EXPECT_EQ(float_to_half(0x1p-25f), 0);    // a tie between 0 and the least subnormal
  EXPECT_EQ(float_to_half(0x1.8p-24f), 2);  // a tie between 1 and 2 of them
  EXPECT_TRUE(std::isnan(test::half_value(float_to_half(std::nanf("")))));
  EXPECT_TRUE(std::isnan(test::half_value(float_to_half(std::bit_cast<float>(0xff800001u)))));
}

TEST(Bfloat, IsTheUpperHalfOfAFloat) {
  for (uint32_t b = 0; b < 0x10000; ++b) ASSERT_EQ(std::bit_cast<uint32_t>(bfloat_to_float(uint16_t(b))), b << 16);
}

TEST(Loads, NeedNoAlignment) {
  const std::byte bytes[] = {std::byte{9}, std::byte{0x00}, std::byte{0x3c}};
  EXPECT_EQ(load_u16(bytes + 1), 0x3c00);
  EXPECT_EQ(load_half(bytes + 1), 1.0f);
}

}  // namespace
}  // namespace apr::quant
