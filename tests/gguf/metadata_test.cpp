// Typed access to metadata, and its text for people.
#include "gguf/metadata.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/printable.h"
#include "gguf/file.h"
#include "gguf/samples.h"

namespace apr::gguf {
namespace {

class MetadataOfSample : public testing::Test {
 protected:
  File file = File::parse(test::sample_file());
  const Metadata& m = file.metadata();
};

/// The sentence of the BadModel error that getting must throw.
template <class Get>
std::string bad_model(Get get) {
  try {
    get();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::BadModel);
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

void expect_in(const std::string& fragment, const std::string& sentence) {
  EXPECT_NE(sentence.find(fragment), std::string::npos) << sentence;
}

TEST_F(MetadataOfSample, IntegersOfEveryWidth) {
  EXPECT_EQ(m.u64("u8"), 255u);
  EXPECT_EQ(m.u64("u64"), ~uint64_t(0));
  EXPECT_EQ(m.require_u64("u16"), 65535u);
  EXPECT_EQ(m.u64("none"), std::nullopt);
  expect_in("i32: found i32 (-2147483648), expected unsigned integer", bad_model([&] { m.u64("i32"); }));
  expect_in("general.architecture: found string (\"qwen3moe\"), expected unsigned integer",
            bad_model([&] { m.u64("general.architecture"); }));
  expect_in("yes: found bool", bad_model([&] { m.u64("yes"); }));
  expect_in("none: found no such key", bad_model([&] { m.require_u64("none"); }));
}

TEST_F(MetadataOfSample, SmallSignedIntegersAreUnsignedToo) {
  Metadata signed_only;
  ASSERT_TRUE(signed_only.add("n", {ValueType::I32, int64_t(48)}));
  EXPECT_EQ(signed_only.u64("n"), 48u);
}

TEST_F(MetadataOfSample, Floats) {
  EXPECT_EQ(m.f64("f32"), double(1e-6f));
  EXPECT_EQ(m.require_f64("f64"), 0.1);
  EXPECT_EQ(m.f64("u8"), 255.0);
  EXPECT_EQ(m.f64("i8"), -128.0);
  EXPECT_EQ(m.f64("none"), std::nullopt);
  expect_in("expected number", bad_model([&] { m.f64("text"); }));
  expect_in("expected number", bad_model([&] { m.require_f64("none"); }));
}

TEST_F(MetadataOfSample, BoolsAndStrings) {
  EXPECT_EQ(m.boolean("yes"), true);
  EXPECT_EQ(m.boolean("no"), false);
  EXPECT_EQ(m.boolean("none"), std::nullopt);
  expect_in("expected bool", bad_model([&] { m.boolean("u8"); }));
  EXPECT_EQ(m.require_string("general.architecture"), "qwen3moe");
  EXPECT_EQ(m.string("none"), nullptr);
  expect_in("u8: found u8 (255), expected string", bad_model([&] { m.string("u8"); }));
  expect_in("expected string", bad_model([&] { m.require_string("none"); }));
}

TEST_F(MetadataOfSample, Arrays) {
  EXPECT_EQ(*m.strings("strings"), (std::vector<std::string>{"one", "", "three"}));
  EXPECT_EQ(m.strings("none"), nullptr);
  expect_in("found array of u8 ([0, 255]), expected array of strings", bad_model([&] { m.strings("u8s"); }));
  expect_in("expected array of strings", bad_model([&] { m.strings("text"); }));
  EXPECT_EQ(*m.integers("u8s"), (std::vector<int64_t>{0, 255}));
  EXPECT_EQ(*m.integers("i64s"), (std::vector<int64_t>{INT64_MIN, INT64_MAX}));
  EXPECT_EQ(m.integers("none"), std::nullopt);
  expect_in("expected array of integers below 2^63", bad_model([&] { m.integers("u64s"); }));
  expect_in("expected array of integers", bad_model([&] { m.integers("bools"); }));
  expect_in("expected array of integers", bad_model([&] { m.integers("f32s"); }));
  expect_in("expected array of integers", bad_model([&] { m.integers("u8"); }));
  EXPECT_EQ(*m.floats("f32s"), (std::vector<double>{0.5, -2}));
  EXPECT_EQ(*m.floats("f64s"), std::vector<double>{0.25});
  EXPECT_EQ(m.floats("none"), std::nullopt);
  expect_in("expected array of floats", bad_model([&] { m.floats("i32s"); }));
}

TEST_F(MetadataOfSample, AddKeepsTheFirst) {
  Metadata copy = m;
  EXPECT_FALSE(copy.add("u8", {ValueType::U8, uint64_t(1)}));
  EXPECT_EQ(copy.u64("u8"), 255u);
  EXPECT_EQ(copy.entries().size(), m.entries().size());
  EXPECT_TRUE(copy.add("new", {ValueType::U8, uint64_t(1)}));
  EXPECT_EQ(copy.u64("new"), 1u);
  EXPECT_EQ(copy.entries().back().key, "new");
}

TEST_F(MetadataOfSample, Display) {
  const auto shown = [&](const char* key) { return m.find(key)->display(); };
  EXPECT_EQ(shown("u64"), "18446744073709551615");
  EXPECT_EQ(shown("i8"), "-128");
  EXPECT_EQ(shown("f32"), "1e-06");
  EXPECT_EQ(shown("yes"), "true");
  EXPECT_EQ(shown("text"), "\"tab\\t, nul\\x00\\xff\"");
  EXPECT_EQ(shown("strings"), "[\"one\", \"\", \"three\"]");
  EXPECT_EQ(shown("bools"), "[true, false]");
  EXPECT_EQ(shown("nested"), "[[1, 2], [\"a\"]]");
  EXPECT_EQ(shown("empty"), "[]");
}

TEST(Display, LongValuesAreCutWithTheirSize) {
  const Value text{ValueType::String, std::string(1000, 'a')};
  EXPECT_EQ(text.display(5), "\"aaaaa…\" (1000 bytes)");
  const Value list{ValueType::Array, Array{ValueType::I32, std::vector<int64_t>(1000, 7)}};
  EXPECT_EQ(list.display(10), "[7, 7, 7, …] (1000 items)");
  const Value wide{ValueType::Array, Array{ValueType::String, std::vector<std::string>(3, std::string(1000, 'a'))}};
  EXPECT_LE(wide.display(40).size(), 40u + 20);
}

TEST(Display, EverySizeIsBounded) {
  const File file = File::parse(test::sample_file());
  for (const auto& entry : file.metadata().entries()) {
    for (size_t max = 0; max < 100; ++max) EXPECT_LE(entry.value.display(max).size(), max + 40) << entry.key;
  }
}

TEST(Printable, KeepsTextAndEscapesTheRest) {
  EXPECT_EQ(printable("plain ünï 漢字 🙂"), "plain ünï 漢字 🙂");
  EXPECT_EQ(printable("\x1b[31m\x7f\r\n\t"), "\\x1b[31m\\x7f\\r\\n\\t");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "U+009B starts a terminal command";
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\xe2\\x80\\xae") << "U+202E turns the text around";
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "not the shortest form";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
  EXPECT_EQ(printable("\xe6\xbc"), "\\xe6\\xbc") << "cut short";
  EXPECT_EQ(printable("ab漢字", 5), "ab漢…");
  EXPECT_EQ(printable("ab漢字", 4), "ab…");
}

TEST(Names, EveryValueTypeHasItsOwn) {
  std::vector<std::string_view> names;
  for (uint32_t i = 0; i <= uint32_t(ValueType::F64); ++i) names.push_back(name_of(ValueType(i)));
  EXPECT_EQ(names, (std::vector<std::string_view>{"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string",
                                                  "array", "u64", "i64", "f64"}));
}

}  // namespace
}  // namespace apr::gguf
