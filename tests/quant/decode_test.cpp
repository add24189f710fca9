// decode() against the element-by-element reading of the formats in reference.h: the same bits for any block.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "quant/reference.h"
#include "quant/types.h"

namespace apr::quant {
namespace {

class Decode : public testing::TestWithParam<TypeInfo> {
 protected:
  const TypeInfo& type_ = GetParam();
  const int len_ = int(type_.block_len);

  /// Elements of `blocks` blocks, read one byte off any alignment.
  std::vector<float> decode_bytes(const std::vector<std::byte>& bytes, size_t blocks) {
    std::vector<std::byte> shifted(bytes.size() + 1);
    std::copy(bytes.begin(), bytes.end(), shifted.begin() + 1);
    std::vector<float> out(blocks * size_t(len_));
    decode(type_.type, shifted.data() + 1, out.size(), out.data());
    return out;
  }

  /// One rounding: scale * code and min are exact in f32, and their difference is exact in double (all terms are
  /// multiples of 2^-24 below 2^28), so rounding the double's value is what the one f32 subtraction does.
  void expect_reference(const std::vector<std::byte>& bytes, size_t blocks) {
    const std::vector<float> ours = decode_bytes(bytes, blocks);
    for (size_t i = 0; i < ours.size(); ++i) {
      const double expected = test::row_element(type_.type, bytes.data(), int(i)).value();
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(ours[i])) << type_.name << " element " << i;
      } else {
        ASSERT_EQ(std::bit_cast<uint32_t>(ours[i]), std::bit_cast<uint32_t>(float(expected)))
            << type_.name << " element " << i << ": " << ours[i] << ", expected " << expected;
      }
    }
  }

  bool halves_are_finite(const std::byte* block) {
    for (int at : test::half_offsets(type_.type)) {
      if (!std::isfinite(test::Block(block).half(at))) return false;
    }
    return true;
  }
};

std::string name_of_type(const testing::TestParamInfo<TypeInfo>& info) { return std::string(info.param.name); }
INSTANTIATE_TEST_SUITE_P(Types, Decode, testing::ValuesIn(all_types().begin(), all_types().end()), name_of_type);

TEST_P(Decode, RandomBlocks) {
  std::mt19937 rng(1);
  constexpr size_t blocks = 500;
  std::vector<std::byte> bytes(blocks * type_.block_bytes);
  for (std::byte& b : bytes) b = std::byte(rng());
  for (size_t k = 0; k < blocks; ++k) {
    std::byte* block = bytes.data() + k * type_.block_bytes;
    while (!halves_are_finite(block)) {
      for (int at : test::half_offsets(type_.type)) block[at + 1] = std::byte(rng());
    }
  }
  expect_reference(bytes, blocks);
}

TEST_P(Decode, EveryBitMatters) {  // one flipped at a time, in a block whose scales and codes are not zero
  std::vector<std::byte> block(type_.block_bytes, std::byte{0x55});
  for (int at : test::half_offsets(type_.type))
    block[size_t(at)] = std::byte{0}, block[size_t(at) + 1] = std::byte{0x3c};
  const std::vector<float> before = decode_bytes(block, 1);
  for (uint32_t bit = 0; bit < 8 * type_.block_bytes; ++bit) {
    std::vector<std::byte> flipped = block;
    flipped[bit / 8] ^= std::byte(1 << bit % 8);
    if (!halves_are_finite(flipped.data())) continue;
    EXPECT_NE(decode_bytes(flipped, 1), before) << "bit " << bit;
    expect_reference(flipped, 1);
  }
}

TEST_P(Decode, UniformBlocks) {
  for (int byte : {0x00, 0x11, 0x55, 0x77, 0x7b, 0x88, 0xaa, 0xee, 0xfb}) {  // as halves, all finite
    expect_reference(std::vector<std::byte>(type_.block_bytes, std::byte(byte)), 1);
  }
}

TEST_P(Decode, SubnormalAndLargestScales) {
  std::mt19937 rng(2);
  if (!type_.quantised()) return;
  for (uint16_t h : {0x0001, 0x03ff, 0x0400, 0x7bff, 0x8001, 0xfbff}) {
    std::vector<std::byte> block(type_.block_bytes);
    for (std::byte& b : block) b = std::byte(rng());
    for (int at : test::half_offsets(type_.type)) std::memcpy(block.data() + at, &h, 2);
    expect_reference(block, 1);
  }
}

TEST_P(Decode, NothingIsNothing) { decode(type_.type, nullptr, 0, nullptr); }

}  // namespace
}  // namespace apr::quant
