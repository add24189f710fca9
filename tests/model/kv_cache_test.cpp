#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

#include "base/error.h"

namespace apr::model {
namespace {

/// Bytes of 16 positions of a head's keys: rows are padded to 16 elements, or in whole groups of 32 with a scale each.
class EveryKvType : public testing::TestWithParam<KvType> {
 protected:
  static constexpr int L = 3, G = 2, capacity = 37;  // three tiles of 16
  const int d = kernels::is_coded(GetParam()) ? 64 : 5;
  const int tile = GetParam() == KvType::Q8_0  ? 16 * (64 + 2 * 2)
                   : GetParam() == KvType::Q16 ? 16 * (2 * 64 + 2 * 2)
                   : GetParam() == KvType::F16 ? 16 * 16 * 2
                                               : 16 * 16 * 4;
  KvCache kv{L, G, d, capacity, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(KvCache, EveryKvType, testing::Values(KvType::F16, KvType::F32, KvType::Q8_0, KvType::Q16),
                         [](const auto& p) { return std::string(kernels::name_of(p.param)); });

TEST_P(EveryKvType, BytesAreThoseOfWholeTiles) {
  EXPECT_EQ(KvCache::bytes(L, G, d, capacity, GetParam()), uint64_t(2 * L * G * 3 * tile));
  EXPECT_EQ(KvCache::bytes(L, G, d, 48, GetParam()), uint64_t(2 * L * G * 3 * tile));
}

TEST(KvCache, BytesOfALargeModel) {  // Qwen3-30B-A3B; with all its context, more than 32 bits count
  EXPECT_EQ(KvCache::bytes(48, 4, 128, 262144, KvType::F16), uint64_t(24) << 30);
  EXPECT_EQ(KvCache::bytes(48, 4, 128, 16, KvType::F16), 16 * 96u << 10);
  EXPECT_EQ(KvCache::bytes(48, 4, 128, 16, KvType::F32), 16 * 192u << 10);
  EXPECT_EQ(KvCache::bytes(48, 4, 128, 16, KvType::Q8_0), 16 * 51u << 10);
  EXPECT_EQ(KvCache::bytes(48, 4, 128, 16, KvType::Q16), 16 * 99u << 10);
}

/// Every layer's, head's and tile of positions has a place of its own, within the bytes; a head's follow each other.
TEST_P(EveryKvType, TilesFillTheBytesWithoutOverlap) {
  std::set<const std::byte*> starts;
  for (int l = 0; l < L; ++l) {
    const kernels::KvView view = kv.layer(l);
    EXPECT_EQ(view.heads, G);
    EXPECT_EQ(view.dim, d);
    EXPECT_EQ(view.capacity, capacity);
    EXPECT_EQ(view.type, GetParam());
    for (int g = 0; g < G; ++g) {
      for (int position = 0; position < capacity; ++position) {
        starts.insert(view.k + view.tile(g, position));
        starts.insert(view.v + view.tile(g, position));
      }
      EXPECT_EQ(view.tile(g, 16) - view.tile(g, 15), size_t(tile));
    }
  }
  ASSERT_EQ(starts.size(), size_t(2 * L * G * 3));
  for (auto at = std::next(starts.begin()); at != starts.end(); ++at) EXPECT_GE(*at - *std::prev(at), tile);
  const uint64_t used = uint64_t(*starts.rbegin() - *starts.begin()) + uint64_t(tile);
  EXPECT_EQ(used, KvCache::bytes(L, G, d, capacity, GetParam()));
}

TEST_P(EveryKvType, CountsItsTokens) {
  EXPECT_EQ(kv.length(), 0);
  EXPECT_EQ(kv.room(), capacity);
  kv.advance(4);
  EXPECT_EQ(kv.length(), 4);
  EXPECT_EQ(kv.room(), capacity - 4);
  EXPECT_EQ(kv.layer(1).length, 4);
  kv.truncate(6);  // longer than it is: nothing to forget
  EXPECT_EQ(kv.length(), 4);
  kv.truncate(1);
  EXPECT_EQ(kv.length(), 1);
  EXPECT_EQ(kv.layer(0).length, 1);
  kv.truncate(0);
  EXPECT_EQ(kv.room(), capacity);
  EXPECT_EQ(kv.capacity(), capacity);
  EXPECT_EQ(kv.type(), GetParam());
}

TEST(KvCache, BytesThatOverflowAreMoreThanAnyMemory) {
  EXPECT_EQ(KvCache::bytes(4096, 4096, 1024, 1 << 30, KvType::F32), std::numeric_limits<uint64_t>::max());
}

TEST(KvCache, RefusesWhatTheSystemRefuses) {
#ifdef APR_SANITIZED
  GTEST_SKIP() << "sanitizers end the program when an allocation is far too large";
#endif
  try {
    KvCache kv(4, 1 << 10, 1 << 10, std::numeric_limits<int>::max(), KvType::F16);  // about 2^55 bytes
    FAIL() << "an impossible allocation succeeded";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::Memory);
    EXPECT_NE(std::string(e.what()).find("KV cache"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace apr::model
