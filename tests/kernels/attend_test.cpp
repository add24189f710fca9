// Ops::append and Ops::attend against attention written out in doubles, and to the bit against themselves in other
// chunks, on other threads and instruction sets.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/kv_reference.h"
#include "kernels/reference.h"
#include "kernels/support.h"

namespace apr::test {
namespace {

using kernels::KvView;

struct Shape {
  int d, kv_heads, group;  // group query heads share a kv head
  int cached, T;
  int heads() const { return kv_heads * group; }
  int keys() const { return cached + T; }
  float scale() const { return 1 / std::sqrt(float(d)); }
};

std::ostream& operator<<(std::ostream& out, const Shape& s) {
  return out << "d " << s.d << ", kv heads " << s.kv_heads << ", group " << s.group << ", cached " << s.cached << ", T "
             << s.T;
}

/// q of the last T tokens, k and v of all of them, as rows of tokens.
struct Tokens {
  Tokens(const Shape& s, Random& random, float magnitude = 2)
      : q(random.floats(size_t(s.T * s.heads() * s.d), magnitude)),
        k(random.floats(size_t(s.keys() * s.kv_heads * s.d), magnitude)),
        v(random.floats(size_t(s.keys() * s.kv_heads * s.d))) {}
  std::vector<float> q, k, v;
};

/// A KV cache of one layer with guard bytes around it.
class Cache {
 public:
  Cache(const Shape& s, KvType type, int capacity) {
    view_ = {nullptr, nullptr, s.kv_heads, s.d, capacity, 0, type};
    bytes_ = view_.bytes();
    memory_.assign(2 * bytes_ + 3 * kGuard, std::byte{0x5a});
    view_.k = memory_.data() + kGuard;
    view_.v = memory_.data() + 2 * kGuard + bytes_;
  }
  KvView& view() { return view_; }
  bool guards_are_whole() const {
    for (size_t i = 0; i < kGuard; ++i) {
      for (size_t at : {i, kGuard + bytes_ + i, 2 * (kGuard + bytes_) + i}) {
        if (memory_[at] != std::byte{0x5a}) return false;
      }
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 64;
  KvView view_;
  size_t bytes_ = 0;
  std::vector<std::byte> memory_;
};

/// Rows `first` … of a matrix of `cols` columns.
Mat rows_of(std::vector<float>& m, int cols, int first, int n) {
  return {m.data() + size_t(first) * size_t(cols), n, cols};
}

/// Caches all but the last T tokens, then appends and attends those `chunk` at a time: o [T, heads * d].
std::vector<float> attend_in_chunks(Ops& ops, const Shape& s, Tokens& x, KvType type, int chunk) {
  Cache cache(s, type, s.keys() + 3);
  const int kv_cols = s.kv_heads * s.d, cols = s.heads() * s.d;
  ops.append(cache.view(), rows_of(x.k, kv_cols, 0, s.cached), rows_of(x.v, kv_cols, 0, s.cached));
  cache.view().length = s.cached;
  std::vector<float> out;
  for (int t = 0; t < s.T; t += chunk) {
    const int n = std::min(chunk, s.T - t);
    ops.append(cache.view(), rows_of(x.k, kv_cols, s.cached + t, n), rows_of(x.v, kv_cols, s.cached + t, n));
    ops.begin();
    const std::vector<float> o = copy_of(ops.attend(rows_of(x.q, cols, t, n), cache.view(), s.scale()));
    out.insert(out.end(), o.begin(), o.end());
    cache.view().length += n;
  }
  EXPECT_TRUE(cache.guards_are_whole());
  return out;
}

/// How queries are rounded for a coded cache.
Coding query_coding(KvType type, int d) { return type == KvType::Q8_0 ? Coding{32, 127} : Coding{size_t(d), 8191}; }

/// Rows of heads of d as scores see them: with coded keys they are rounded too.
std::vector<double> as_asked(const std::vector<float>& q, KvType type, int d) {
  std::vector<double> out(q.begin(), q.end());
  const auto [together, limit] = query_coding(type, d);
  for (size_t start = 0; kernels::is_coded(type) && start < q.size(); start += together) {
    float most = 0;
    for (size_t i = start; i < start + together; ++i) most = std::fmax(most, std::fabs(q[i]));
    for (size_t i = start; i < start + together; ++i)
      out[i] = double(most / limit) * std::nearbyint(q[i] * (limit / most));
  }
  return out;
}

/// Attention's operands in double: as given, or as a cache of some type has them.
struct Operands {
  std::vector<double> q, k, v;
  KvType type = KvType::F32;
  explicit Operands(const Tokens& x)
      : q(x.q.begin(), x.q.end()), k(x.k.begin(), x.k.end()), v(x.v.begin(), x.v.end()) {}
  Operands(const Tokens& x, KvType t, int d)
      : q(as_asked(x.q, t, d)), k(as_stored(x.k, t, Kv::Key, d)), v(as_stored(x.v, t, Kv::Value, d)), type(t) {}
};

/// One head of one token in doubles, and how far f32 may stray from it.
struct ExactHead {
  std::vector<double> o, slack;
};

// With u = 2^-24, n keys in B blocks and S segments, all scores at most M in magnitude:
// - a score is d fmas of a product rounded once, scale * q; for coded keys, d / 32 fmas of an exact sum rounded once
// and
//   a product rounded at most twice: an absolute error of at most delta = gamma(d + 3) * scale * sum |q k|. It
//   multiplies a weight, and the sum of weights, by e^delta each.
// - a weight is exp of a rounded difference (u * |difference|), then brought to each later maximum by one more exp and
//   one product: the differences add up to at most 4 M, the exps (kExpError each) to B + S + 1, the products to B + S;
//   a block's own factor (coded values) may double the exps, and adds a product per block.
// - values are added by n fmas, an exact sum of codes with one rounding more; the sum of weights by at most 10
// roundings
//   per block; segments by 2; one division.
// - a coded block's weights, relative to its largest, times the values' scales, are rounded to steps of the row's
// largest
//   such product / W (W = 32767 for Q8_0, 8191 for Q16): half a step of error for each key (a little more: two products
//   and a division are rounded), times a code of at most L (127, 4095). The largest value of those that share a scale
//   is at least L / (1 + 2^-7) - 1/2 times that (it is rounded up by at most 2^-7), so L * scale is at most L / (L / (1
//   + 2^-7) - 1/2) times it.
// Weights below e^-87 of the largest are held there: n e^-87 of the largest value, nothing in f32.
ExactHead exact_head(const Shape& s, const Operands& x, int t, int h) {
  const int keys = s.cached + t + 1, g = h / s.group;
  auto row = [&](const std::vector<double>& m, int j) { return m.data() + (j * s.kv_heads + g) * s.d; };
  const double* q = x.q.data() + (t * s.heads() + h) * s.d;
  std::vector<double> score(size_t(keys), 0.0);
  double delta = 0, largest = 0;
  for (int j = 0; j < keys; ++j) {
    double magnitude = 0;
    for (int i = 0; i < s.d; ++i) {
      const double term = q[i] * row(x.k, j)[i] * double(s.scale());
      score[size_t(j)] += term, magnitude += std::fabs(term);
    }
    delta = std::fmax(delta, gamma(s.d + 3) * magnitude);
    largest = std::fmax(largest, std::fabs(score[size_t(j)]));
  }
  const double most = *std::max_element(score.begin(), score.end());
  ExactHead head{std::vector<double>(size_t(s.d), 0.0), std::vector<double>(size_t(s.d), 0.0)};
  double sum = 0;
  for (int j = 0; j < keys; ++j) {
    const double weight = std::exp(score[size_t(j)] - most);
    sum += weight;
    for (int i = 0; i < s.d; ++i) {
      head.o[size_t(i)] += weight * row(x.v, j)[i];
      head.slack[size_t(i)] += weight * std::fabs(row(x.v, j)[i]);
    }
  }
  const int blocks = (keys + 63) / 64, segments = (keys + 1023) / 1024;
  const double weights =
      delta + 4 * largest * kUnitRoundoff + 2 * (blocks + segments + 1) * kExpError + gamma(2 * blocks + segments);
  const double relative = 1.01 * (2 * weights + gamma(keys + 10 * blocks + 2 * segments + 2));
  std::vector<double> coding(size_t(s.d), 0.0);
  const auto [together, limit] = coding_of(x.type, Kv::Value, s.d);
  const double weight_codes = x.type == KvType::Q8_0 ? 32767 : 8191;
  for (int first = 0; kernels::is_coded(x.type) && first < keys; first += 64) {
    const int end = std::min(first + 64, keys), columns = int(together);
    const double own = *std::max_element(score.begin() + first, score.begin() + end);
    for (int start = 0; start < s.d; start += columns) {
      double value = 0;
      for (int j = first; j < end; ++j) {
        for (int i = start; i < start + columns; ++i)
          value = std::fmax(value, std::exp(score[size_t(j)] - own) * std::fabs(row(x.v, j)[i]));
      }
      const double L = double(limit), step = value * L / (L / (1 + 0x1p-7) - 0.5) / weight_codes;
      for (int i = start; i < start + columns; ++i)
        coding[size_t(i)] += (end - first) * std::exp(own - most) * step * (0.5 + weight_codes * gamma(8));
    }
  }
  for (int i = 0; i < s.d; ++i) {
    head.o[size_t(i)] /= sum;
    head.slack[size_t(i)] = (head.slack[size_t(i)] * relative + coding[size_t(i)] * (1 + relative)) / sum + 1e-30;
  }
  return head;
}

void expect_exact(const Shape& s, const Tokens& tokens, KvType type, const std::vector<float>& o) {
  const Operands x(tokens, type, s.d);
  for (int t = 0; t < s.T; ++t) {
    for (int h = 0; h < s.heads(); ++h) {
      const ExactHead head = exact_head(s, x, t, h);
      for (int i = 0; i < s.d; ++i) {
        const size_t at = size_t((t * s.heads() + h) * s.d + i);
        ASSERT_NEAR(o[at], head.o[size_t(i)], head.slack[size_t(i)])
            << s << "; token " << t << ", head " << h << ", element " << i;
      }
    }
  }
}

/// Odd head widths; groups of one, some and more than a job's rows; key blocks cut short, whole and just begun.
std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (int cached : {0, 1, 63, 64, 65, 200}) {
    for (int T : {1, 3, 70}) {
      all.push_back({8, 3, 2, cached, T});
      all.push_back({64, 2, 1, cached, T});
      all.push_back({80, 1, 2, cached, T});
    }
  }
  for (int cached : {0, 65, 200}) {
    for (int T : {1, 3}) all.push_back({128, 2, 8, cached, T});
  }
  all.push_back({128, 1, 8, 1, 70});
  all.push_back({20, 2, 3, 5, 3});
  all.push_back({16, 1, 100, 5, 3});  // a group larger than a job's rows
  all.push_back({96, 2, 7, 30, 9});   // groups of 32 that are no multiple of 64, and rows that fill no tile
  for (int cached : {1020, 1024, 2040}) all.push_back({32, 1, 3, cached, 9});  // segments of 1,024 joined
  all.push_back({64, 2, 1, 3100, 70});
  return all;
}

class Attend : public OnEveryIsa {};
APR_ON_EVERY_ISA(Attend);

TEST_P(Attend, IsAttentionAndTheSameOnAnyThreadsAndInAnyChunks) {
  Random random(1);
  for (const Shape& s : shapes()) {
    Tokens x(s, random);
    for (KvType type : kKvTypes) {
      if (!kernels::kv_fits(type, s.d)) continue;
      const std::vector<float> o = attend_in_chunks(*make_ops(isa(), 1), s, x, type, s.T);
      if (isa() == "scalar") {
        expect_exact(s, x, type, o);
      } else {
        ASSERT_TRUE(same_bits(o, attend_in_chunks(*make_ops("scalar", 2), s, x, type, s.T)))
            << s << ", " << name_of(type) << " against scalar";
      }
      for (int threads : {2, 3})
        ASSERT_TRUE(same_bits(attend_in_chunks(*make_ops(isa(), threads), s, x, type, s.T), o)) << s;
      for (int chunk : {1, 7, 64}) {
        if (chunk < s.T) {
          ASSERT_TRUE(same_bits(attend_in_chunks(*make_ops(isa(), 2), s, x, type, chunk), o)) << s << " by " << chunk;
        }
      }
    }
  }
}

TEST_P(Attend, LargeScoresNeitherOverflowNorLoseTheLargest) {
  Random random(2);
  const Shape s{32, 1, 2, 130, 2};
  Tokens x(s, random, 200);  // scores of thousands: one key takes all, and later ones replace it
  for (KvType type : kKvTypes) expect_exact(s, x, type, attend_in_chunks(*make_ops(isa(), 1), s, x, type, s.T));
}

// Against attention over what was given, unrounded. Rounding moves an element by at most half a step: of a key or value
// largest / limit * (1 + 2^-7), of a query largest / limit, with the roundings of one product and one division besides.
// So a score moves by at most D = scale * sum (|q| dk + |k| dq + dq dk), every weight by e^(2 D), and the sum of values
// by the values' own errors, which the weights average.
TEST_P(Attend, CodesAreAsNearAsTheirSteps) {
  Random random(7);
  const Shape s{64, 2, 4, 150, 3};
  Tokens x(s, random, 0.5f);
  const Operands given(x);
  for (const auto& [type, tight] : {std::pair{KvType::Q8_0, 0.1}, {KvType::Q16, 3e-3}}) {
    const Operands kept(x, type, s.d);
    const std::vector<float> o = attend_in_chunks(*make_ops(isa(), 1), s, x, type, s.T);
    auto error_of = [&](const std::vector<double>& m, size_t at, Coding c, double step) {  // of an element
      double most = 0;
      const size_t start = at / c.together * c.together;
      for (size_t i = start; i < start + c.together; ++i) most = std::fmax(most, std::fabs(m[i]));
      return most / double(c.limit) * step / 2 + gamma(4) * most;
    };
    const Coding of_k = coding_of(type, Kv::Key, s.d), of_v = coding_of(type, Kv::Value, s.d);
    double widest = 0;
    for (int t = 0; t < s.T; ++t) {
      for (int h = 0; h < s.heads(); ++h) {
        const int g = h / s.group;
        double moved = 0;
        for (int j = 0; j <= s.cached + t; ++j) {
          double sum = 0;
          for (int i = 0; i < s.d; ++i) {
            const size_t at_q = size_t((t * s.heads() + h) * s.d + i), at_k = size_t((j * s.kv_heads + g) * s.d + i);
            const double dk = error_of(given.k, at_k, of_k, 1 + 0x1p-7),
                         dq = error_of(given.q, at_q, query_coding(type, s.d), 1);
            sum += std::fabs(given.q[at_q]) * dk + std::fabs(given.k[at_k]) * dq + dq * dk;
          }
          moved = std::fmax(moved, sum * double(s.scale()));
        }
        const ExactHead exact = exact_head(s, given, t, h), rounded = exact_head(s, kept, t, h);
        for (int i = 0; i < s.d; ++i) {
          double dv = 0, largest = 0;
          for (int j = 0; j <= s.cached + t; ++j) {
            const size_t at = size_t((j * s.kv_heads + g) * s.d + i);
            dv = std::fmax(dv, error_of(given.v, at, of_v, 1 + 0x1p-7));
            largest = std::fmax(largest, std::fabs(given.v[at]));
          }
          const double bound = std::expm1(2 * moved) * largest + dv + rounded.slack[size_t(i)];
          widest = std::fmax(widest, bound);
          ASSERT_NEAR(o[size_t((t * s.heads() + h) * s.d + i)], exact.o[size_t(i)], bound)
              << name_of(type) << ", element " << i;
        }
      }
    }
    EXPECT_LT(widest, tight) << name_of(type) << " of values up to 1: so loose that the test means little";
  }
}

/// As beside the first token of a text, which takes most weight and has small values.
TEST_P(Attend, LargeValuesOfNoWeightDoNotDrownTheOthers) {
  Random random(11);
  const Shape s{32, 1, 1, 1, 1};
  for (const float large : {30.0f, 3e3f, 4e4f}) {
    Tokens x(s, random);
    std::fill(x.q.begin(), x.q.end(), 1.0f);
    std::fill(x.k.begin(), x.k.begin() + s.d, 3.0f);
    std::fill(x.k.begin() + s.d, x.k.end(), -3.0f);
    for (int i = 0; i < s.d; ++i) x.v[size_t(s.d + i)] = large;
    for (KvType type : kKvTypes) {
      const std::vector<float> o = attend_in_chunks(*make_ops(isa(), 1), s, x, type, 1);
      expect_exact(s, x, type, o);
      const std::vector<double> kept = as_stored(x.v, type, Kv::Value, s.d);
      for (int i = 0; i < s.d; ++i) ASSERT_NEAR(o[size_t(i)], kept[size_t(i)], 1e-3) << name_of(type) << ' ' << large;
    }
  }
}

TEST_P(Attend, TheOnlyKeyGivesItsValue) {
  Random random(3);
  const Shape s{64, 2, 2, 0, 1};
  Tokens x(s, random);
  for (KvType type : kKvTypes) {
    const std::vector<float> o = attend_in_chunks(*make_ops(isa(), 1), s, x, type, 1);
    const std::vector<double> kept = as_stored(x.v, type, Kv::Value, s.d);
    for (int h = 0; h < s.heads(); ++h) {
      for (int i = 0; i < s.d; ++i) {  // codes: steps of scale / W, W times
        const double v = kept[size_t(h / s.group * s.d + i)], slack = kernels::is_coded(type) ? gamma(6) : 0;
        ASSERT_NEAR(o[size_t(h * s.d + i)], v, slack * std::fabs(v)) << name_of(type);
      }
    }
  }
}

TEST_P(Attend, KeysThatAreNotYetSeenDoNotMatter) {
  Random random(4);
  for (const Shape& s : {Shape{32, 1, 2, 60, 10}, Shape{32, 1, 1, 1019, 10}, Shape{32, 1, 8, 60, 10}}) {
    Tokens x(s, random), y = x;
    const ptrdiff_t hidden = (s.cached + 5) * s.d;  // tokens 5 … 9 of the ten
    std::fill(y.k.begin() + hidden, y.k.end(), std::nanf(""));
    std::fill(y.v.begin() + hidden, y.v.end(), std::nanf(""));
    auto ops = make_ops(isa(), 2);
    for (KvType type : kKvTypes) {
      const std::vector<float> a = attend_in_chunks(*ops, s, x, type, s.T), b = attend_in_chunks(*ops, s, y, type, s.T);
      EXPECT_TRUE(same_bits(a.data(), b.data(), size_t(5 * s.heads() * s.d))) << s << ", " << name_of(type);
      for (size_t i = size_t(5 * s.heads() * s.d); i < b.size(); ++i)
        ASSERT_TRUE(std::isnan(b[i])) << s << ", " << name_of(type) << ": a NaN got lost, element " << i;
    }
  }
}

/// A broken number in a query, key or value shows in all rows that use it, and does not crash. (A half is held to the
/// largest finite one, so an infinity is not broken there.)
TEST_P(Attend, NanAndInfinityStayVisible) {
  Random random(5);
  const Shape s{32, 1, 1, 70, 2};
  for (KvType type : kKvTypes) {
    for (float odd : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
      for (int which : {0, 1, 2}) {
        Tokens x(s, random);
        (which == 0 ? x.q[3] : which == 1 ? x.k[100] : x.v[100]) = odd;
        const std::vector<float> o = attend_in_chunks(*make_ops(isa(), 1), s, x, type, 2);
        const bool held = std::isinf(odd) && (type == KvType::F16 || (type == KvType::F32 && which < 2));
        EXPECT_TRUE(held || std::isnan(o[4]) || std::isinf(o[4])) << name_of(type) << ", operand " << which;
      }
    }
  }
}

}  // namespace
}  // namespace apr::test
