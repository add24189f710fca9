#pragma once
// A second reading of the formats, one element at a time and in double: slow, plain, and sharing no code with
// src/quant. Written from the block layouts of the GGUF format; every field is found by its bit position.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "quant/types.h"

namespace apr::test {

using quant::Type;

/// An element in the canonical form: weight = scale * code - min. All three are exact, and so is each product in
/// double.
struct Element {
  double scale = 0, min = 0;
  int code = 0;
  double value() const { return scale * code - min; }
};

/// Sign, five exponent bits, ten fraction bits (IEEE 754 binary16).
inline double half_value(uint16_t h) {
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  double magnitude = 0;
  if (exponent == 31) {
    magnitude = fraction ? std::nan("") : HUGE_VAL;
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, -24);
  } else {
    magnitude = std::ldexp(1024 + fraction, exponent - 25);
  }
  return h & 0x8000 ? -magnitude : magnitude;
}

/// The half nearest to x, ties to even, by rounding x / (the spacing of halves around x) in double.
inline uint16_t nearest_half(double x) {
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const double magnitude = std::fabs(x);
  if (magnitude >= 65520) return uint16_t(sign | 0x7c00);  // halfway from the largest half to 2^16
  const int exponent = magnitude < std::ldexp(1, -14) ? -14 : std::ilogb(magnitude);
  const int steps = int(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));  // 1024 … 2048; fewer if subnormal
  return uint16_t(sign | (((exponent + 14) << 10) + steps));  // 1024 and 2048 carry into the exponent field
}

/// One stored block, read by byte and bit.
class Block {
 public:
  explicit Block(const std::byte* bytes) : bytes_(reinterpret_cast<const uint8_t*>(bytes)) {}
  int byte(int at) const { return bytes_[at]; }
  int signed_byte(int at) const { return bytes_[at] < 128 ? bytes_[at] : bytes_[at] - 256; }
  /// `count` bits of the byte at `at`, from bit `bit` up.
  int bits(int at, int bit, int count) const { return byte(at) / (1 << bit) % (1 << count); }
  double half(int at) const { return half_value(uint16_t(byte(at) + 256 * byte(at + 1))); }

 private:
  const uint8_t* bytes_;
};

inline int iq4_level(int q) {
  static constexpr int levels[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
  return levels[q];
}

/// Blocks of 32: a nibble per element, elements 0-15 low and 16-31 high.
inline int nibble32(const Block& b, int at, int i) { return b.bits(at + i % 16, i < 16 ? 0 : 4, 4); }

/// The 6-bit scale (which = 0) or min (which = 1) of one of eight groups, in 12 bytes from `at` (Q4_K, Q5_K).
inline int six_bits(const Block& b, int at, int which, int group) {
  if (group < 4) return b.bits(at + 4 * which + group, 0, 6);
  return b.bits(at + 4 + group, 4 * which, 4) + 16 * b.bits(at + 4 * which + group - 4, 6, 2);
}

/// Q3_K: the sixteen 6-bit scales from byte 96; low nibbles first, upper pairs of bits in the last four bytes.
inline int q3_scale(const Block& b, int group) {
  return b.bits(96 + group % 8, group < 8 ? 0 : 4, 4) + 16 * b.bits(104 + group % 4, 2 * (group / 4), 2) - 32;
}

/// IQ4_XS: nibbles from byte 4, upper pairs of bits from byte 2.
inline int iq4_xs_scale(const Block& b, int group) {
  return b.bits(4 + group / 2, group % 2 * 4, 4) + 16 * b.bits(2 + group / 4, 2 * (group % 4), 2) - 32;
}

/// Element i of a block of a quantised type.
inline Element element(Type type, const Block& b, int i) {
  const int part = i / 128, in_part = i % 128;  // blocks of 256: the half of 128, and where in it
  const int two_bits = 32 * part + i % 32,
            two_bits_shift = in_part / 32 * 2;  // of Q2_K, Q3_K codes and Q6_K's top bits
  switch (type) {
    case Type::Q4_0:
      return {b.half(0), 0, nibble32(b, 2, i) - 8};
    case Type::Q4_1:
      return {b.half(0), -b.half(2), nibble32(b, 4, i)};
    case Type::Q5_0:
      return {b.half(0), 0, nibble32(b, 6, i) + 16 * b.bits(2 + i / 8, i % 8, 1) - 16};
    case Type::Q5_1:
      return {b.half(0), -b.half(2), nibble32(b, 8, i) + 16 * b.bits(4 + i / 8, i % 8, 1)};
    case Type::Q8_0:
      return {b.half(0), 0, b.signed_byte(2 + i)};
    case Type::Q2_K:
      return {b.half(80) * b.bits(i / 16, 0, 4), b.half(82) * b.bits(i / 16, 4, 4),
              b.bits(16 + two_bits, two_bits_shift, 2)};
    case Type::Q3_K:
      return {b.half(108) * q3_scale(b, i / 16), 0,
              b.bits(32 + two_bits, two_bits_shift, 2) + 4 * b.bits(i % 32, i / 32, 1) - 4};
    case Type::Q4_K:
      return {b.half(0) * six_bits(b, 4, 0, i / 32), b.half(2) * six_bits(b, 4, 1, i / 32),
              b.bits(16 + i / 64 * 32 + i % 32, i % 64 / 32 * 4, 4)};
    case Type::Q5_K:
      return {b.half(0) * six_bits(b, 4, 0, i / 32), b.half(2) * six_bits(b, 4, 1, i / 32),
              b.bits(48 + i / 64 * 32 + i % 32, i % 64 / 32 * 4, 4) + 16 * b.bits(16 + i % 32, i / 32, 1)};
    case Type::Q6_K:
      return {b.half(208) * b.signed_byte(192 + i / 16), 0,
              b.bits(64 * part + i % 64, in_part / 64 * 4, 4) + 16 * b.bits(128 + two_bits, two_bits_shift, 2) - 32};
    case Type::IQ4_NL:
      return {b.half(0), 0, iq4_level(nibble32(b, 2, i))};
    case Type::IQ4_XS:
      return {b.half(0) * iq4_xs_scale(b, i / 32), 0, iq4_level(nibble32(b, 8 + i / 32 * 16, i % 32))};
    default:
      return {};
  }
}

/// Element i of a row of any type. Types without blocks come as their value times code 1.
inline Element row_element(Type type, const std::byte* row, int i) {
  const quant::TypeInfo& t = quant::info(type);
  const std::byte* block = row + size_t(i) / t.block_len * t.block_bytes;
  if (t.quantised()) return element(type, Block(block), i % int(t.block_len));
  float value = 0;
  if (type == Type::F32) std::memcpy(&value, block, 4);
  if (type == Type::F16) value = float(half_value(uint16_t(Block(block).byte(0) + 256 * Block(block).byte(1))));
  if (type == Type::BF16) std::memcpy(reinterpret_cast<char*>(&value) + 2, block, 2);
  return {value, 0, 1};
}

/// Where a block keeps its halves (scales and mins).
inline std::vector<int> half_offsets(Type type) {
  switch (type) {
    case Type::Q4_1:
    case Type::Q5_1:
    case Type::Q4_K:
    case Type::Q5_K:
      return {0, 2};
    case Type::Q2_K:
      return {80, 82};
    case Type::Q3_K:
      return {108};
    case Type::Q6_K:
      return {208};
    case Type::F32:
    case Type::BF16:
      return {};
    default:
      return {0};
  }
}

}  // namespace apr::test
