// Ops::append and Ops::attend against attention written out in doubles, and to the bit against themselves in other
// chunks, on other threads and instruction sets.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/support.h"

namespace apr::test {
namespace {

using kernels::KvType;
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
    bytes_ = size_t(s.kv_heads * capacity * s.d) * view_.element_bytes();
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

double as_stored(float x, KvType type) { return type == KvType::F32 ? double(x) : half_value(nearest_half(x)); }

/// One head of one token in doubles, and how far f32 may stray from it.
struct ExactHead {
  std::vector<double> o, slack;
};

// With u = 2^-24, n keys in B blocks, all scores at most S in magnitude:
// - a score is d / 16 fmas and 4 additions of a lane tree and one product with the scale: an absolute error of at most
//   delta = gamma(ceil(d / 16) + 5) * scale * sum |q k|. It multiplies a weight, and the sum of weights, by e^delta
//   each.
// - a weight is exp of a rounded difference (u * |difference|), then brought to each later maximum by one more exp and
//   one product: the differences add up to at most 4 S, the exps (kExpError each) to B + 1, the products to B.
// - values are added by n fmas; the sum of weights by at most 10 roundings per block; one division.
// Weights below e^-87 of the largest are held there: n e^-87 of the largest value, nothing in f32.
ExactHead exact_head(const Shape& s, const Tokens& x, KvType type, int t, int h) {
  const int keys = s.cached + t + 1, g = h / s.group;
  auto stored = [&](const std::vector<float>& m, int j, int i) {
    return as_stored(m[size_t((j * s.kv_heads + g) * s.d + i)], type);
  };
  const float* q = x.q.data() + (t * s.heads() + h) * s.d;
  std::vector<double> score(size_t(keys), 0.0);
  double delta = 0, largest = 0;
  for (int j = 0; j < keys; ++j) {
    double magnitude = 0;
    for (int i = 0; i < s.d; ++i) {
      const double term = double(q[i]) * stored(x.k, j, i) * double(s.scale());
      score[size_t(j)] += term, magnitude += std::fabs(term);
    }
    delta = std::fmax(delta, gamma((s.d + 15) / 16 + 5) * magnitude);
    largest = std::fmax(largest, std::fabs(score[size_t(j)]));
  }
  const double most = *std::max_element(score.begin(), score.end());
  ExactHead head{std::vector<double>(size_t(s.d), 0.0), std::vector<double>(size_t(s.d), 0.0)};
  double sum = 0;
  for (int j = 0; j < keys; ++j) {
    const double weight = std::exp(score[size_t(j)] - most);
    sum += weight;
    for (int i = 0; i < s.d; ++i) {
      head.o[size_t(i)] += weight * stored(x.v, j, i);
      head.slack[size_t(i)] += weight * std::fabs(stored(x.v, j, i));
    }
  }
  const int blocks = (keys + 63) / 64;
  const double weights = delta + 4 * largest * kUnitRoundoff + (blocks + 1) * kExpError + gamma(blocks);
  const double relative = 1.01 * (2 * weights + gamma(keys + 10 * blocks + 1));
  for (int i = 0; i < s.d; ++i) {
    head.o[size_t(i)] /= sum;
    head.slack[size_t(i)] = head.slack[size_t(i)] / sum * relative + 1e-30;
  }
  return head;
}

void expect_exact(const Shape& s, const Tokens& x, KvType type, const std::vector<float>& o) {
  for (int t = 0; t < s.T; ++t) {
    for (int h = 0; h < s.heads(); ++h) {
      const ExactHead head = exact_head(s, x, type, t, h);
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
  return all;
}

class Attend : public OnEveryIsa {};
APR_ON_EVERY_ISA(Attend);

TEST_P(Attend, IsAttentionAndTheSameOnAnyThreadsAndInAnyChunks) {
  Random random(1);
  for (const Shape& s : shapes()) {
    Tokens x(s, random);
    for (KvType type : {KvType::F16, KvType::F32}) {
      const std::vector<float> o = attend_in_chunks(*make_ops(isa(), 1), s, x, type, s.T);
      if (isa() == "scalar") {
        expect_exact(s, x, type, o);
      } else {
        ASSERT_TRUE(same_bits(o, attend_in_chunks(*make_ops("scalar", 2), s, x, type, s.T))) << s << " against scalar";
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
  const std::vector<float> o = attend_in_chunks(*make_ops(isa(), 1), s, x, KvType::F32, s.T);
  expect_exact(s, x, KvType::F32, o);
}

TEST_P(Attend, TheOnlyKeyGivesItsValue) {
  Random random(3);
  const Shape s{64, 2, 2, 0, 1};
  Tokens x(s, random);
  const std::vector<float> o = attend_in_chunks(*make_ops(isa(), 1), s, x, KvType::F32, 1);
  for (int h = 0; h < s.heads(); ++h) EXPECT_TRUE(same_bits(o.data() + h * s.d, x.v.data() + h / s.group * s.d, 64));
}

TEST_P(Attend, KeysThatAreNotYetSeenDoNotMatter) {
  Random random(4);
  const Shape s{16, 1, 2, 60, 10};
  Tokens x(s, random), y = x;
  std::fill(y.k.begin() + 65 * 16, y.k.end(), std::nanf(""));  // of tokens 5 … 9 of the ten
  std::fill(y.v.begin() + 65 * 16, y.v.end(), std::nanf(""));
  auto ops = make_ops(isa(), 2);
  const std::vector<float> a = attend_in_chunks(*ops, s, x, KvType::F32, s.T),
                           b = attend_in_chunks(*ops, s, y, KvType::F32, s.T);
  EXPECT_TRUE(same_bits(a.data(), b.data(), 5 * 32));
}

TEST_P(Attend, NanAndInfinityDoNotCrash) {
  Random random(5);
  const Shape s{16, 1, 1, 70, 2};
  for (float odd : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    Tokens x(s, random);
    x.q[3] = odd;
    x.k[100] = odd;
    attend_in_chunks(*make_ops(isa(), 1), s, x, KvType::F32, 2);
  }
}

TEST_P(Attend, AppendPutsEachHeadAtItsPosition) {
  Random random(6);
  const Shape s{8, 3, 1, 0, 4};
  for (KvType type : {KvType::F16, KvType::F32}) {
    Tokens x(s, random);
    Cache cache(s, type, 9);
    cache.view().length = 5;
    auto ops = make_ops(isa(), 2);
    ops->append(cache.view(), mat_of(x.k, 24), mat_of(x.v, 24));
    for (int i = 0; i < 4 * 24; ++i) {
      const KvView& kv = cache.view();
      const size_t at = kv.offset(i % 24 / 8, 5 + i / 24) + size_t(i % 8) * kv.element_bytes();
      auto held = [&](const std::byte* from) {
        if (type == KvType::F16) return half_value(uint16_t(Block(from + at).byte(0) + 256 * Block(from + at).byte(1)));
        float f;
        std::memcpy(&f, from + at, 4);
        return double(f);
      };
      ASSERT_EQ(held(kv.k), as_stored(x.k[size_t(i)], type));
      ASSERT_EQ(held(kv.v), as_stored(x.v[size_t(i)], type));
    }
    EXPECT_TRUE(cache.guards_are_whole());
  }
}

}  // namespace
}  // namespace apr::test
