// Sound files: what is read is what was written, in every way of opening.
#include "gguf/file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "gguf/samples.h"
#include "gguf/temp_dir.h"

namespace apr::gguf {
namespace {

using test::Bytes;
using test::GgufWriter;

template <class T>
std::vector<T> numbers_of(const Tensor& t) {
  std::vector<T> out(t.data.size() / sizeof(T));
  std::memcpy(out.data(), t.data.data(), t.data.size());
  return out;
}

template <class T>
void expect_scalar(const Metadata& m, const char* key, T expected) {
  const Value* value = m.find(key);
  ASSERT_NE(value, nullptr) << key;
  const T* held = std::get_if<T>(&value->v);
  ASSERT_NE(held, nullptr) << key;
  EXPECT_EQ(*held, expected) << key;
}

class BothVersions : public testing::TestWithParam<uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Versions, BothVersions, testing::Values(2u, 3u));

TEST_P(BothVersions, TensorsAreWhatWasWritten) {
  const Bytes bytes = test::sample_file(GetParam());
  const File file = File::parse(bytes, "sample");
  EXPECT_EQ(file.version(), GetParam());
  EXPECT_EQ(file.parts(), 1);
  EXPECT_EQ(file.path(), "sample");
  EXPECT_EQ(file.file_bytes(), bytes.size());
  ASSERT_EQ(file.tensors().size(), 4u);
  const Tensor* norm = file.find("norm");
  ASSERT_EQ(norm, &file.tensors()[0]);
  EXPECT_EQ(norm->type, quant::Type::F32);
  EXPECT_EQ(norm->shape, std::vector<uint64_t>{5});
  EXPECT_EQ(numbers_of<float>(*norm), (std::vector<float>{1, 2, 3, 4, 5}));
  const Tensor* half = file.find("half");
  EXPECT_EQ(half->shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(half->elements(), 6u);
  EXPECT_EQ(numbers_of<uint16_t>(*half), (std::vector<uint16_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(std::memcmp(bytes.data() + half->offset, half->data.data(), half->data.size()), 0);
  EXPECT_EQ(file.find("blk.0.exps")->data.size(), 2u * 3 * 2 * 34);
  EXPECT_EQ(file.find("four")->shape, (std::vector<uint64_t>{1, 2, 1, 256}));
  EXPECT_EQ(file.find("hal"), nullptr);
  EXPECT_EQ(file.find("zzz"), nullptr);
  EXPECT_EQ(file.find(""), nullptr);
}

TEST_P(BothVersions, EveryValueTypeIsRead) {
  const File file = File::parse(test::sample_file(GetParam()));
  const Metadata& m = file.metadata();
  ASSERT_EQ(m.entries().front().key, "general.architecture");
  EXPECT_EQ(*m.string("text"), std::string("tab\t, nul") + '\0' + "\xff");
  expect_scalar(m, "u8", uint64_t(255));
  expect_scalar(m, "i8", int64_t(-128));
  expect_scalar(m, "u16", uint64_t(65535));
  expect_scalar(m, "i16", int64_t(-32768));
  expect_scalar(m, "u32", uint64_t(4294967295u));
  expect_scalar(m, "i32", int64_t(INT32_MIN));
  expect_scalar(m, "u64", ~uint64_t(0));
  expect_scalar(m, "i64", int64_t(INT64_MIN));
  expect_scalar(m, "f32", double(1e-6f));
  expect_scalar(m, "f64", 0.1);
  expect_scalar(m, "yes", true);
  expect_scalar(m, "no", false);
  EXPECT_EQ(m.find("i16")->type, ValueType::I16);
}

TEST_P(BothVersions, EveryArrayTypeIsRead) {
  const File file = File::parse(test::sample_file(GetParam()));
  const auto items = [&](const char* key) -> const auto& {
    return std::get<Array>(file.metadata().find(key)->v).items;
  };
  using U = std::vector<uint64_t>;
  using I = std::vector<int64_t>;
  using D = std::vector<double>;
  using S = std::vector<std::string>;
  EXPECT_EQ(std::get<U>(items("u8s")), (U{0, 255}));
  EXPECT_EQ(std::get<I>(items("i8s")), (I{-1, 1}));
  EXPECT_EQ(std::get<U>(items("u16s")), (U{1}));
  EXPECT_EQ(std::get<I>(items("i16s")), (I{-2}));
  EXPECT_EQ(std::get<U>(items("u32s")), (U{1, 2, 3}));
  EXPECT_EQ(std::get<I>(items("i32s")), (I{-1, 0, 1}));
  EXPECT_EQ(std::get<U>(items("u64s")), (U{~uint64_t(0)}));
  EXPECT_EQ(std::get<I>(items("i64s")), (I{INT64_MIN, INT64_MAX}));
  EXPECT_EQ(std::get<D>(items("f32s")), (D{0.5, -2}));
  EXPECT_EQ(std::get<D>(items("f64s")), (D{0.25}));
  EXPECT_EQ(std::get<U>(items("bools")), (U{1, 0}));
  EXPECT_EQ(std::get<S>(items("strings")), (S{"one", "", "three"}));
  EXPECT_EQ(std::get<S>(items("empty")), (S{}));
  const auto& nested = std::get<std::vector<Array>>(items("nested"));
  ASSERT_EQ(nested.size(), 2u);
  EXPECT_EQ(nested[0].element, ValueType::I32);
  EXPECT_EQ(std::get<I>(nested[0].items), (I{1, 2}));
  EXPECT_EQ(std::get<S>(nested[1].items), (S{"a"}));
}

TEST(File, NothingButAHeaderIsSound) {
  const File file = File::parse(GgufWriter().bytes());
  EXPECT_TRUE(file.tensors().empty());
  EXPECT_TRUE(file.metadata().entries().empty());
  EXPECT_EQ(file.find("w"), nullptr);
}

TEST(File, FourLevelsOfArraysAreRead) {
  Bytes value = GgufWriter::array_of(std::vector<uint8_t>{7});
  for (int i = 0; i < 3; ++i) value = GgufWriter::array_of_arrays({value});
  const File file = File::parse(GgufWriter().raw("deep", ValueType::Array, value).bytes());
  EXPECT_EQ(file.metadata().find("deep")->display(), "[[[[7]]]]");
}

TEST(File, AlignmentKeyMovesTheData) {
  for (const uint32_t alignment : {8u, 64u, 4096u, 65536u}) {
    GgufWriter w;
    w.alignment(alignment).tensor("a", quant::Type::F32, {1}, test::bytes_of<float>({3}));
    w.tensor("b", quant::Type::F32, {1}, test::bytes_of<float>({4}));
    const File file = File::parse(w.bytes());
    for (const Tensor& t : file.tensors()) EXPECT_EQ(t.offset % alignment, 0u);
    EXPECT_EQ(numbers_of<float>(*file.find("a")), std::vector<float>{3});
    EXPECT_EQ(numbers_of<float>(*file.find("b")), std::vector<float>{4});
  }
}

TEST(File, TensorsMayLieInAnyOrderWithGaps) {
  GgufWriter w;
  w.raw_tensor({"late", {8}, 0, Bytes(32), 64}).raw_tensor({"early", {8}, 0, Bytes(64), 0});
  const File file = File::parse(w.bytes());
  EXPECT_EQ(file.tensors()[0].name, "late");
  EXPECT_EQ(file.find("late")->offset, file.find("early")->offset + 64);
}

TEST(File, MmapReadAndParseGiveTheSame) {
  const test::TempDir dir;
  const Bytes bytes = test::sample_file();
  const auto path = dir / "sample.gguf";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  const File parsed = File::parse(bytes);
  for (const Access access : {Access::Mmap, Access::Read}) {
    const File file = File::open(path, access);
    EXPECT_EQ(file.path(), path);
    EXPECT_EQ(file.file_bytes(), bytes.size());
    ASSERT_EQ(file.tensors().size(), parsed.tensors().size());
    for (size_t i = 0; i < parsed.tensors().size(); ++i) {
      const Tensor &a = file.tensors()[i], &b = parsed.tensors()[i];
      EXPECT_EQ(a.name, b.name);
      EXPECT_EQ(a.shape, b.shape);
      EXPECT_EQ(a.offset, b.offset);
      EXPECT_TRUE(std::equal(a.data.begin(), a.data.end(), b.data.begin(), b.data.end()));
    }
    ASSERT_EQ(file.metadata().entries().size(), parsed.metadata().entries().size());
    for (const auto& entry : parsed.metadata().entries())
      EXPECT_EQ(file.metadata().find(entry.key)->display(), entry.value.display());
  }
}

TEST(File, WhatIsReleasedComesBackWhenTouched) {
  const test::TempDir dir;
  GgufWriter w;
  Bytes data(3 * 4096 * 4);
  for (size_t i = 0; i < data.size(); ++i) data[i] = std::byte(i % 253);
  w.add("general.architecture", std::string("test"));
  w.tensor("a", quant::Type::F32, {3, 4096}, data).tensor("b", quant::Type::F32, {1}, Bytes(4, std::byte(9)));
  const auto path = dir / "model.gguf";
  const Bytes bytes = w.bytes();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  for (const Access access : {Access::Mmap, Access::Read}) {
    const File file = File::open(path, access);
    for (const bool from_cache : {false, true}) {
      for (const Tensor& t : file.tensors()) file.release(t, from_cache);
      EXPECT_TRUE(std::equal(data.begin(), data.end(), file.find("a")->data.begin()));
      EXPECT_EQ(file.find("b")->data[0], std::byte(9));
    }
  }
}

TEST(File, MovedFileKeepsItsTensors) {
  File first = File::parse(test::sample_file());
  const std::byte* data = first.find("norm")->data.data();
  File second = std::move(first);
  first = File::parse(GgufWriter().bytes());
  EXPECT_EQ(second.find("norm")->data.data(), data);
  EXPECT_EQ(numbers_of<float>(*second.find("norm"))[4], 5);
}

void open_all_in(const std::filesystem::path& folder) {
  int found = 0;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    if (entry.path().extension() != ".gguf") continue;
    SCOPED_TRACE(entry.path());
    ++found;
    const File file = File::open(entry.path());
    EXPECT_EQ(file.metadata().require_string("general.architecture"), "qwen3moe");
    ASSERT_NE(file.find("token_embd.weight"), nullptr);
    const auto* tokens = file.metadata().strings("tokenizer.ggml.tokens");
    ASSERT_NE(tokens, nullptr);
    EXPECT_EQ(file.find("token_embd.weight")->shape[0], tokens->size());
  }
  if (found == 0) GTEST_SKIP() << "no models in " << folder;
}

TEST(RealModels, SharedTinyModelsOpen) { open_all_in(std::filesystem::path(APR_SHARED_DIR) / "data/tiny-model"); }
TEST(RealModels, BundledModelsOpen) { open_all_in(std::filesystem::path(APR_SOURCE_DIR) / "models"); }

}  // namespace
}  // namespace apr::gguf
