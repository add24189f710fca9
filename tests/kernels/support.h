#pragma once
// What the tests of kernels share: instruction sets to walk, pools, random weights, comparison to the bit.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/ops.h"
#include "kernels/pack.h"
#include "quant/reference.h"

namespace apr::test {

using kernels::IsaRow;
using kernels::Kernels;
using kernels::Mat;
using kernels::Ops;
using kernels::Weight;

/// Half a unit in the last place of 1: what one rounding adds to a relative error.
inline constexpr double kUnitRoundoff = 0x1p-24;

/// The relative error after k roundings (Higham, Accuracy and Stability of Numerical Algorithms, lemma 3.1).
inline double gamma(double k) { return k * kUnitRoundoff / (1 - k * kUnitRoundoff); }

/// The relative error of our exp (generic/math.h). In units of 2^-24: 1 for the last addition of the polynomial, 0.35
/// (the largest |r|) for the one before, 1/4 for the rounding of r and 1/8 for the terms left out, together below 2.
inline constexpr double kExpError = 0x1p-23;

inline const IsaRow& isa_row(int index) { return kernels::all_isas()[size_t(index)]; }
inline auto every_isa() { return testing::Range(0, int(kernels::all_isas().size())); }
inline std::string isa_name(int index) { return std::string(isa_row(index).kernels->name); }

/// A test per instruction set; those that this CPU lacks show up as skipped.
class OnEveryIsa : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!isa_row(GetParam()).supported()) GTEST_SKIP() << "this CPU lacks " << isa_name(GetParam());
  }
  const Kernels& kernels() const { return *isa_row(GetParam()).kernels; }
  std::string isa() const { return isa_name(GetParam()); }
};
#define APR_ON_EVERY_ISA(fixture)                                \
  INSTANTIATE_TEST_SUITE_P(Isa, fixture, apr::test::every_isa(), \
                           [](const testing::TestParamInfo<int>& p) { return apr::test::isa_name(p.param); })

inline const Kernels& scalar() { return kernels::choose_kernels("scalar"); }

/// Pools of 1, 2 and 3 threads, shared by all tests of a process. The largest comes first, while the caller still has
/// all its CPUs: a pool that fills them pins the caller, and threads that start later inherit that.
inline ThreadPool& pool_of(int threads) {
  static struct { ThreadPool three{3}, one{1}, two{2}; } pools;
  return threads == 1 ? pools.one : threads == 2 ? pools.two : pools.three;
}
inline constexpr int kThreadCounts[] = {1, 2, 3};

inline std::unique_ptr<Ops> make_ops(std::string_view isa, int threads, size_t bytes = size_t(32) << 20) {
  auto ops = std::make_unique<Ops>(pool_of(threads), isa);
  ops->reserve(bytes);
  return ops;
}

/// Ops on one instruction set with 1, 2 and 3 threads, handed out in turn.
class OpsInTurn {
 public:
  explicit OpsInTurn(std::string_view isa) {
    for (int threads : kThreadCounts) all_.push_back(make_ops(isa, threads));
  }
  Ops& next() {
    Ops& ops = *all_[turn_++ % all_.size()];
    ops.begin();
    return ops;
  }

 private:
  std::vector<std::unique_ptr<Ops>> all_;
  size_t turn_ = 0;
};

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  uint32_t bits() { return uint32_t(engine_()); }
  int below(int n) { return int(bits() % uint32_t(n)); }
  /// In [-1, 1), a multiple of 2^-23.
  float unit() { return float(int32_t(bits()) >> 8) * 0x1p-23f; }
  std::vector<float> floats(size_t n, float magnitude = 1) {
    std::vector<float> out(n);
    for (float& f : out) f = magnitude * unit();
    return out;
  }
  /// Rows whose magnitudes differ from block to block, as activations' do.
  std::vector<float> activations(int rows, int n) {
    std::vector<float> out = floats(size_t(rows) * size_t(n));
    for (size_t i = 0; i < out.size(); i += 32) {
      const float magnitude = std::ldexp(1.0f, below(8) - 5);
      for (size_t j = i; j < std::min(i + 32, out.size()); ++j) out[j] *= magnitude;
    }
    return out;
  }
  uint16_t small_half() { return nearest_half(std::ldexp(unit(), -below(8))); }

 private:
  std::mt19937 engine_;
};

/// A matrix of weights that owns its bytes.
struct Matrix {
  std::vector<std::byte> bytes;
  Weight view;
};

inline Matrix empty_matrix(quant::Type type, int n_out, int n_in) {
  Matrix m;
  m.view = {type, n_out, n_in, nullptr, quant::info(type).row_bytes(uint64_t(n_in))};
  m.bytes.resize(size_t(n_out) * m.view.row_bytes);
  m.view.data = m.bytes.data();
  return m;
}

/// Gives every block of a quantised matrix random halves of moderate size.
inline void randomise_halves(Matrix& m, Random& random) {
  const quant::TypeInfo& t = quant::info(m.view.type);
  for (size_t at = 0; at < m.bytes.size(); at += t.block_bytes) {
    for (int offset : half_offsets(t.type)) {
      const uint16_t h = random.small_half();
      std::memcpy(m.bytes.data() + at + offset, &h, 2);
    }
  }
}

inline Matrix random_matrix(quant::Type type, int n_out, int n_in, Random& random) {
  Matrix m = empty_matrix(type, n_out, n_in);
  for (std::byte& b : m.bytes) b = std::byte(random.bits());
  for (size_t i = 0; i < size_t(n_out) * size_t(n_in) && !quant::info(type).quantised(); ++i) {
    const float f = random.unit();
    if (type == quant::Type::F32) std::memcpy(m.bytes.data() + 4 * i, &f, 4);
    if (type == quant::Type::BF16) std::memcpy(m.bytes.data() + 2 * i, reinterpret_cast<const char*>(&f) + 2, 2);
  }
  randomise_halves(m, random);
  return m;
}

/// E matrices of one shape, one after another.
struct ExpertMatrices {
  Matrix all;
  kernels::ExpertWeights view;
};

/// The packed form of a matrix, or of several that lie one after another, with bytes of its own. A sentinel stands
/// behind it.
struct Packed {
  std::vector<std::byte> bytes;
  Weight view;
  Packed(Ops& ops, const Weight& stored, int count = 1) {
    const size_t one = kernels::packed_view(stored, nullptr).bytes(), all = one * size_t(count);
    bytes.resize(all + 128, std::byte(0x5a));
    std::byte* to = bytes.data() + (64 - reinterpret_cast<uintptr_t>(bytes.data()) % 64) % 64;
    const kernels::ExpertWeights from{stored, count};
    for (int e = 0; e < count; ++e) {
      const Weight w = ops.pack(from[e], to + one * size_t(e));
      if (e == 0) view = w;
    }
    EXPECT_EQ(to[all], std::byte(0x5a)) << "packing wrote past its end";
  }
};

inline ExpertMatrices random_experts(quant::Type type, int count, int n_out, int n_in, Random& random) {
  ExpertMatrices m{random_matrix(type, count * n_out, n_in, random), {}};
  m.view = {m.all.view, count};
  m.view.first.n_out = n_out;
  return m;
}

inline Mat mat_of(std::vector<float>& v, int cols) { return {v.data(), int(v.size()) / cols, cols}; }

/// Equal as bits, so that -0 is not 0 and a NaN is itself.
inline testing::AssertionResult same_bits(const float* a, const float* b, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (std::bit_cast<uint32_t>(a[i]) == std::bit_cast<uint32_t>(b[i])) continue;
    return testing::AssertionFailure() << "element " << i << " of " << n << ": " << std::hexfloat << a[i] << " and "
                                       << b[i];
  }
  return testing::AssertionSuccess();
}
inline testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return testing::AssertionFailure() << a.size() << " and " << b.size() << " elements";
  return same_bits(a.data(), b.data(), a.size());
}
inline std::vector<float> copy_of(Mat m) { return {m.flat().begin(), m.flat().end()}; }

}  // namespace apr::test
