// Rows into the tiles of a KV cache.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/kv_reference.h"
#include "kernels/support.h"

namespace apr::test {
namespace {

using kernels::KvView;

constexpr float kInf = std::numeric_limits<float>::infinity();

/// One head's tile of keys and one of values, with guard bytes behind them.
struct Tile {
  KvView kv;
  std::vector<std::byte> bytes;
  Tile(KvType type, int d) : kv{nullptr, nullptr, 1, d, 16, 0, type}, bytes(2 * kv.bytes() + 64, std::byte{0x5a}) {
    kv.k = bytes.data();
    kv.v = kv.k + kv.bytes();
  }
  Tile(const Tile&) = delete;
  void store(const Kernels& k, const std::vector<float>& x, int lane) {
    k.store_key(x.data(), kv.dim, kv.type, kv.k, lane);
    k.store_value(x.data(), kv.dim, kv.type, kv.v, lane);
  }
  double key(int lane, int i) const { return held(kv, Kv::Key, 0, lane, i); }
  double value(int lane, int i) const { return held(kv, Kv::Value, 0, lane, i); }
};

class StoreKv : public OnEveryIsa {};
APR_ON_EVERY_ISA(StoreKv);

TEST_P(StoreKv, KeepsEachLaneApart) {
  Random random(1);
  for (KvType type : kKvTypes) {
    for (int d : {1, 5, 16, 20, 32, 64, 96, 128, 256}) {
      if (!kernels::kv_fits(type, d)) continue;
      Tile tile(type, d);
      std::vector<std::vector<float>> rows;
      for (int lane = 0; lane < 16; ++lane) {
        rows.push_back(random.activations(1, d));
        tile.store(kernels(), rows.back(), lane);
      }
      for (int lane = 0; lane < 16; ++lane) {
        const std::vector<double> key = as_stored(rows[size_t(lane)], type, Kv::Key, d),
                                  value = as_stored(rows[size_t(lane)], type, Kv::Value, d);
        for (int i = 0; i < d; ++i) {
          ASSERT_EQ(tile.key(lane, i), key[size_t(i)]) << name_of(type) << ", d " << d << ", lane " << lane;
          ASSERT_EQ(tile.value(lane, i), value[size_t(i)]) << name_of(type) << ", d " << d << ", lane " << lane;
        }
        for (int i = d; !kernels::is_coded(type) && i < (d + 15) / 16 * 16; ++i) ASSERT_EQ(tile.value(lane, i), 0);
      }
      for (size_t i = tile.bytes.size() - 64; i < tile.bytes.size(); ++i) ASSERT_EQ(tile.bytes[i], std::byte{0x5a});
    }
  }
}

TEST_P(StoreKv, HalvesAreTheNearestAndSaturate) {
  Random random(8);
  std::vector<float> x = {65504, 65519, 65520, 1e6f,     -1e6f,    kInf,  -kInf,
                          3e38f, 0.0f,  -0.0f, 0x1p-24f, 0x1p-25f, 1e-40f};
  for (int i = 0; i < 5000; ++i) x.push_back(std::ldexp(random.unit(), random.below(48) - 28));
  Tile tile(KvType::F16, int(x.size()));
  tile.store(kernels(), x, 3);
  for (int i = 0; i < int(x.size()); ++i) {
    const double want = half_value(nearest_half(std::fmin(std::fmax(double(x[size_t(i)]), -65504), 65504)));
    ASSERT_EQ(tile.key(3, i), want) << x[size_t(i)];
    ASSERT_EQ(tile.value(3, i), want) << x[size_t(i)];
  }
}

/// Groups of any size: zeros, and numbers that a half could not scale.
TEST_P(StoreKv, CodesKeepTinyAndHugeGroups) {
  Random random(9);
  for (KvType type : {KvType::Q8_0, KvType::Q16}) {
    for (float magnitude : {0.0f, 1e-31f, 1e-29f, 1e-8f, 1.0f, 1e10f, 3e38f}) {
      const std::vector<float> x = random.floats(32, magnitude);
      Tile tile(type, 32);
      tile.store(kernels(), x, 0);
      auto want = [&](Kv which) {
        return magnitude < 1e-30f ? std::vector<double>(32, 0.0) : as_stored(x, type, which, 32);
      };
      const std::vector<double> key = want(Kv::Key), value = want(Kv::Value);
      for (int i = 0; i < 32; ++i) {
        ASSERT_EQ(tile.key(0, i), key[size_t(i)]) << name_of(type) << ' ' << magnitude;
        ASSERT_EQ(tile.value(0, i), value[size_t(i)]) << name_of(type) << ' ' << magnitude;
      }
    }
  }
}

/// A NaN stays one: by itself in a half, for all that share its scale in codes, where an infinity has no code either.
TEST_P(StoreKv, NanStaysVisibleAndAgrees) {
  Random random(10);
  for (KvType type : kKvTypes) {
    for (float odd : {std::nanf(""), -std::nanf(""), std::bit_cast<float>(0x7fffffffu), kInf, -kInf}) {
      std::vector<float> x = random.floats(64);
      x[37] = odd;
      Tile ours(type, 64), expected(type, 64);
      ours.store(kernels(), x, 5), expected.store(scalar(), x, 5);
      for (int i = 0; i < 64; ++i) {
        const bool broken = kernels::is_coded(type) ? i >= 32 : std::isnan(odd) && i == 37;
        ASSERT_EQ(std::isnan(ours.key(5, i)), broken) << name_of(type) << ' ' << i;
        ASSERT_EQ(std::isnan(ours.value(5, i)), broken || type == KvType::Q16) << name_of(type) << ' ' << i;
      }
      EXPECT_TRUE(!kernels::is_coded(type) || ours.bytes == expected.bytes);
    }
  }
}

TEST_P(StoreKv, AppendPutsEachHeadAtItsPosition) {
  Random random(6);
  for (KvType type : kKvTypes) {
    constexpr int heads = 2, d = 64, cols = heads * d, T = 19, cached = 5;
    std::vector<float> k = random.floats(T * cols), v = random.floats(T * cols);
    KvView kv{nullptr, nullptr, heads, d, 30, cached, type};
    std::vector<std::byte> bytes(2 * kv.bytes());
    kv.k = bytes.data(), kv.v = kv.k + kv.bytes();
    make_ops(isa(), 2)->append(kv, mat_of(k, cols), mat_of(v, cols));
    const std::vector<double> want_k = as_stored(k, type, Kv::Key, d), want_v = as_stored(v, type, Kv::Value, d);
    for (int at = 0; at < T * cols; ++at) {
      const int head = at % cols / d, position = cached + at / cols, i = at % d;
      ASSERT_EQ(held(kv, Kv::Key, head, position, i), want_k[size_t(at)]) << name_of(type) << ' ' << at;
      ASSERT_EQ(held(kv, Kv::Value, head, position, i), want_v[size_t(at)]) << name_of(type) << ' ' << at;
    }
  }
}

}  // namespace
}  // namespace apr::test
