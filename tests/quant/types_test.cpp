#include "quant/types.h"

#include <gtest/gtest.h>

#include "quant/all.h"

namespace apr::quant {
namespace {

struct Expected {
  Type type;
  const char* name;
  uint32_t gguf_id, block_len, block_bytes;
};
// From the GGUF specification's list of types and the sum of each block's fields.
constexpr Expected kExpected[] = {
    {Type::F32, "F32", 0, 1, 4},        {Type::F16, "F16", 1, 1, 2},          {Type::BF16, "BF16", 30, 1, 2},
    {Type::Q4_0, "Q4_0", 2, 32, 18},    {Type::Q4_1, "Q4_1", 3, 32, 20},      {Type::Q5_0, "Q5_0", 6, 32, 22},
    {Type::Q5_1, "Q5_1", 7, 32, 24},    {Type::Q8_0, "Q8_0", 8, 32, 34},      {Type::Q2_K, "Q2_K", 10, 256, 84},
    {Type::Q3_K, "Q3_K", 11, 256, 110}, {Type::Q4_K, "Q4_K", 12, 256, 144},   {Type::Q5_K, "Q5_K", 13, 256, 176},
    {Type::Q6_K, "Q6_K", 14, 256, 210}, {Type::IQ4_NL, "IQ4_NL", 20, 32, 18}, {Type::IQ4_XS, "IQ4_XS", 23, 256, 136},
};

TEST(Types, TableIsTheFormats) {
  ASSERT_EQ(all_types().size(), std::size(kExpected));
  for (size_t i = 0; i < std::size(kExpected); ++i) {
    const Expected& e = kExpected[i];
    const TypeInfo& t = all_types()[i];
    EXPECT_EQ(t.type, e.type) << e.name;
    EXPECT_EQ(size_t(t.type), i) << e.name;
    EXPECT_EQ(t.name, e.name);
    EXPECT_EQ(t.gguf_id, e.gguf_id) << e.name;
    EXPECT_EQ(t.block_len, e.block_len) << e.name;
    EXPECT_EQ(t.block_bytes, e.block_bytes) << e.name;
    EXPECT_EQ(&info(e.type), &t);
    EXPECT_EQ(find(e.gguf_id), &t);
    EXPECT_EQ(gguf_type_name(e.gguf_id), e.name);
  }
}

TEST(Types, RowBytes) {
  EXPECT_EQ(info(Type::F32).row_bytes(7), 28u);
  EXPECT_EQ(info(Type::Q4_K).row_bytes(2048), 8u * 144);
  EXPECT_EQ(info(Type::Q8_0).row_bytes(96), 3u * 34);
  EXPECT_EQ(info(Type::Q6_K).row_bytes((uint64_t(1) << 57)), (uint64_t(1) << 49) * 210);
}

TEST(Types, WhatIsNotSupportedIsNotFoundButNamed) {
  EXPECT_EQ(find(16), nullptr);
  EXPECT_EQ(gguf_type_name(16), "IQ2_XXS");
  EXPECT_EQ(find(28), nullptr);
  EXPECT_EQ(gguf_type_name(28), "F64");
  for (uint32_t id : {1000u, 0xffffffffu}) {
    EXPECT_EQ(find(id), nullptr);
    EXPECT_EQ(gguf_type_name(id), "");
  }
}

TEST(Types, TheListOfQuantisedTypesIsComplete) {
  size_t n = 0;
  for_each_quantised([&]<class Q>() {
    ++n;
    EXPECT_TRUE(Q::info.quantised());
    EXPECT_EQ(Q::info.block_len % unsigned(Q::group), 0u);
  });
  size_t quantised = 0;
  for (const TypeInfo& t : all_types()) quantised += t.quantised();
  EXPECT_EQ(n, quantised);
}

}  // namespace
}  // namespace apr::quant
