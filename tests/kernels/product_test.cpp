// Ops::project on every instruction set, type and shape: the bits that table.h promises, and close to doubles.
#include <gtest/gtest.h>

#include <tuple>

#include "kernels/reference.h"
#include "kernels/support.h"

namespace apr::test {
namespace {

constexpr int kMostTokens = 30;
constexpr int kTokenCounts[] = {1, 2, 3, 5, 7, 8, 9, 16, 17, 21, 30};  // around a few, a tile of 16, and its parts
constexpr int kRowCounts[] = {1, 5, 16, 17, 33, 48};

class Product : public testing::TestWithParam<std::tuple<quant::TypeInfo, int>> {
 protected:
  void SetUp() override {
    const int index = std::get<1>(GetParam());
    if (!isa_row(index).supported()) GTEST_SKIP() << "this CPU lacks " << isa_name(index);
    ops_ = std::make_unique<OpsInTurn>(isa_name(index));
  }

  const quant::TypeInfo type_ = std::get<0>(GetParam());
  std::unique_ptr<OpsInTurn> ops_;

  /// Row lengths that the type's blocks allow. Types stored as floats take any.
  std::vector<int> lengths() const {
    std::vector<int> out;
    for (int n : {1, 15, 17, 33, 32, 96, 160, 288, 256, 512, 768, 2048}) {
      if (n % int(type_.block_len) == 0) out.push_back(n);
    }
    return out;
  }

  /// Of 16 rows: a packed block holds their bits and no more, but for padding that some types have.
  uint64_t packed_block_bytes() const { return uint64_t(16) * type_.block_bytes; }

  /// [tokens][rows] by the contract.
  std::vector<float> expected(const Matrix& m, const std::vector<float>& x) const {
    const int n = m.view.n_in, rows = m.view.n_out, tokens = int(x.size()) / n;
    std::vector<float> y(size_t(tokens) * size_t(rows));
    std::vector<std::vector<QuantisedBlock>> xq;
    for (int t = 0; t < tokens; ++t) xq.push_back(quantise_reference(x.data() + size_t(t) * size_t(n), n));
    for (int r = 0; r < rows; ++r) {
      const Row row = read_row(type_.type, m.view.row(r), n);
      for (int t = 0; t < tokens; ++t) {
        y[size_t(t * rows + r)] = type_.quantised() ? quantised_product(row, group_of(type_.type), xq[size_t(t)])
                                                    : float_product(row, x.data() + size_t(t) * size_t(n));
      }
    }
    return y;
  }

  /// `tokens` rows of x from `first` on, projected. needs: all weights stored, or all packed
  std::vector<float> project(const Weight& w, std::vector<float>& x, int first, int tokens) {
    Ops& ops = ops_->next();
    kernels::Input in = ops.input({x.data() + size_t(first) * size_t(w.n_in), tokens, w.n_in});
    return copy_of(ops.project(in, w));
  }
  std::vector<float> project(const Matrix& m, std::vector<float>& x, int first, int tokens) {
    return project(m.view, x, first, tokens);
  }
};

std::string name_of_case(const testing::TestParamInfo<std::tuple<quant::TypeInfo, int>>& p) {
  return std::string(std::get<0>(p.param).name) + "_" + isa_name(std::get<1>(p.param));
}

std::vector<quant::TypeInfo> types(bool with_floats) {
  std::vector<quant::TypeInfo> out;
  for (const quant::TypeInfo& t : quant::all_types()) {
    if (with_floats || t.quantised()) out.push_back(t);
  }
  return out;
}

class QuantisedProduct : public Product {};
INSTANTIATE_TEST_SUITE_P(All, Product, testing::Combine(testing::ValuesIn(types(true)), every_isa()), name_of_case);
INSTANTIATE_TEST_SUITE_P(All, QuantisedProduct, testing::Combine(testing::ValuesIn(types(false)), every_isa()),
                         name_of_case);

TEST_P(Product, IsWhatTheContractSaysForAnyShapeTokensAndThreads) {
  Random random(7);
  for (int n : lengths()) {
    for (int rows : kRowCounts) {
      const Matrix m = random_matrix(type_.type, rows, n, random);
      std::vector<float> x = random.activations(kMostTokens, n);
      const std::vector<float> y = expected(m, x);
      for (int tokens : kTokenCounts) {
        ASSERT_TRUE(same_bits(project(m, x, 0, tokens).data(), y.data(), size_t(tokens) * size_t(rows)))
            << "n_in " << n << ", rows " << rows << ", tokens " << tokens;
      }
    }
  }
}

// More tokens than a block that stays in cache (Ops::token_blocks), and a number that does not divide evenly.
TEST_P(Product, TokensInBlocksGetTheSameBits) {
  Random random(14);
  const int n = lengths().back(), rows = 20, tokens = 403;
  const Matrix m = random_matrix(type_.type, rows, n, random);
  std::vector<float> x = random.activations(tokens, n);
  const std::vector<float> y = project(m, x, 0, tokens);
  for (int t = 0; t < tokens; t += 13) {
    ASSERT_TRUE(same_bits(project(m, x, t, 1).data(), y.data() + size_t(t) * rows, rows)) << "token " << t;
  }
}

// Fewer tokens than a tile, more, and rows past the last panel; packed on every instruction set, since each may pack.
TEST_P(QuantisedProduct, PackedWeightsGiveTheSameBits) {
  Random random(12);
  for (int n : lengths()) {
    for (int rows : kRowCounts) {
      const Matrix m = random_matrix(type_.type, rows, n, random);
      const Packed packed(ops_->next(), m.view);
      std::vector<float> x = random.activations(kMostTokens, n);
      const std::vector<float> y = expected(m, x);
      for (int tokens : kTokenCounts) {
        ASSERT_TRUE(same_bits(project(packed.view, x, 0, tokens).data(), y.data(), size_t(tokens) * size_t(rows)))
            << "n_in " << n << ", rows " << rows << ", tokens " << tokens;
      }
    }
  }
}

TEST_P(QuantisedProduct, PackingIsTheSameBytesAsScalarPacks) {
  Random random(13);
  auto plain = make_ops("scalar", 1);
  for (int n : lengths()) {
    const Matrix m = random_matrix(type_.type, 37, n, random);
    const Packed ours(ops_->next(), m.view), theirs(*plain, m.view);
    const uint64_t used = uint64_t(n) / type_.block_len * (packed_block_bytes());
    for (int panel = 0; panel < ours.view.panels(); ++panel) {
      ASSERT_EQ(std::memcmp(ours.view.panel(16 * panel), theirs.view.panel(16 * panel), used), 0) << "n_in " << n;
    }
    ASSERT_LT(ours.view.panel_bytes - used, 64u);
  }
}

TEST_P(Product, ATokenAloneGetsTheSameBitsOnAnyNumberOfThreads) {
  Random random(8);
  const int n = lengths().back(), rows = 40;
  const Matrix m = random_matrix(type_.type, rows, n, random);
  std::vector<float> x = random.activations(kMostTokens, n);
  const std::vector<float> y = project(m, x, 0, kMostTokens);
  for (int t = 0; t < kMostTokens; ++t) {
    for (int threads : kThreadCounts) {
      ASSERT_TRUE(same_bits(project(m, x, t, 1).data(), y.data() + size_t(t) * rows, rows))
          << "token " << t << ", " << threads << " threads";
    }
  }
}

// How far the contract's order may stray from the exact sum of the same numbers.
//
// Floats: an element goes through at most ceil(n / 16) fmas of its lane and 4 additions of the tree, one rounding each.
//
// Quantised, G groups: integer sums, their conversion (below 2^24), code scales and mins are exact. A term of the main
// sum is rounded once in scale * x.scale and in at most G fmas; a term of the mins once in x's sum and in at most G
// fmas; the last subtraction rounds both once more: G + 2. The sum of the elements' magnitudes is at least that of the
// groups'.
TEST_P(Product, IsWithinItsRoundingsOfTheExactProduct) {
  Random random(9);
  for (int n : lengths()) {
    const int rows = 17, tokens = 3;
    const Matrix m = random_matrix(type_.type, rows, n, random);
    std::vector<float> x = random.activations(tokens, n);
    const std::vector<float> y = project(m, x, 0, tokens);
    const double roundings = type_.quantised() ? n / group_of(type_.type) + 2 : (n + 15) / 16 + 4;
    for (int t = 0; t < tokens; ++t) {
      const float* xt = x.data() + size_t(t) * size_t(n);
      const std::vector<QuantisedBlock> xq = quantise_reference(xt, n);
      for (int r = 0; r < rows; ++r) {
        const Row row = read_row(type_.type, m.view.row(r), n);
        const Exact exact = type_.quantised() ? exact_product(row, xq) : exact_product(row, xt);
        ASSERT_NEAR(y[size_t(t * rows + r)], exact.value, gamma(roundings) * exact.magnitude)
            << "n_in " << n << ", row " << r << ", token " << t;
      }
    }
  }
}

// All codes at one extreme and all activations at ±127: where 16-bit partial sums would saturate or a sign be lost.
TEST_P(QuantisedProduct, ExtremeCodesDoNotSaturate) {
  Random random(10);
  const int n = 512, rows = 17;
  std::vector<float> x;  // codes all 127; all -127; alternating; alternating in pairs; and so on again
  for (int t = 0; t < kMostTokens; ++t) {
    const int kind = t % 4;
    for (int i = 0; i < n; ++i) x.push_back(kind == 0 || (kind > 1 && i / (kind - 1) % 2 == 0) ? 1.0f : -1.0f);
  }
  for (int byte : {0x00, 0x0f, 0x77, 0x7f, 0x80, 0x81, 0x88, 0xf0, 0xff}) {
    Matrix m = empty_matrix(type_.type, rows, n);
    for (std::byte& b : m.bytes) b = std::byte(byte);
    randomise_halves(m, random);
    const std::vector<float> y = expected(m, x);
    for (int tokens : {1, 2, 4, 9, 17}) {
      ASSERT_TRUE(same_bits(project(m, x, 0, tokens).data(), y.data(), size_t(tokens) * rows)) << "bytes " << byte;
    }
  }
}

TEST_P(Product, SeveralMatricesOfOneInputAreThoseOfEachAlone) {
  Random random(11);
  const int n = 256, tokens = 5;
  const Matrix a = random_matrix(type_.type, 33, n, random), b = random_matrix(type_.type, 7, n, random),
               c = random_matrix(quant::Type::F32, 20, n, random);
  std::vector<float> x = random.activations(tokens, n);
  Ops& ops = ops_->next();
  kernels::Input in = ops.input(mat_of(x, n));
  Mat ya, yb, yc;
  ops.project(in, {{a.view, ya}, {b.view, yb}, {c.view, yc}});
  EXPECT_EQ(in.q != nullptr, type_.quantised());
  const std::vector<float> together[] = {copy_of(ya), copy_of(yb), copy_of(yc)};
  EXPECT_TRUE(same_bits(together[0], project(a, x, 0, tokens)));
  EXPECT_TRUE(same_bits(together[1], project(b, x, 0, tokens)));
  EXPECT_TRUE(same_bits(together[2], project(c, x, 0, tokens)));
}

}  // namespace
}  // namespace apr::test
