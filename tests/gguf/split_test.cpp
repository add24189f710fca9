// Models in several files.
#include "gguf/split.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "gguf/file.h"
#include "gguf/temp_dir.h"
#include "gguf/writer.h"

namespace apr::gguf {
namespace {

using test::GgufWriter;

std::string part_name(int number, int count) {
  return PartName{"model", uint64_t(number), uint64_t(count)}.file_name();
}

/// Part `index` (from 0) with one tensor, its only value index + 1.
GgufWriter part(int index, int count, int tensors) {
  GgufWriter w;
  if (index == 0) w.add("general.name", "in parts");
  w.add<uint16_t>("split.no", uint16_t(index))
      .add<uint16_t>("split.count", uint16_t(count))
      .add<int32_t>("split.tensors.count", tensors);
  w.tensor("tensor." + std::to_string(index), quant::Type::F32, {1}, test::bytes_of<float>({float(index + 1)}));
  return w;
}

class Split : public testing::Test {
 protected:
  Split() {
    for (int i = 0; i < 3; ++i) part(i, 3, 3).save(dir / part_name(i + 1, 3));
  }
  /// The sentence of the error that opening `name` must throw.
  std::string refusal(const std::string& name, ErrorCode code = ErrorCode::BadFile) {
    try {
      File::open(dir / name);
    } catch (const Error& e) {
      EXPECT_EQ(name_of(e.code()), name_of(code)) << e.what();
      return e.what();
    }
    ADD_FAILURE() << name << " was opened";
    return {};
  }
  void expect_refusal(const std::string& name, const std::string& fragment, ErrorCode code = ErrorCode::BadFile) {
    const std::string sentence = refusal(name, code);
    EXPECT_NE(sentence.find(fragment), std::string::npos) << sentence;
  }
  test::TempDir dir;
};

TEST_F(Split, OpensByTheFirstPart) {
  for (const Access access : {Access::Mmap, Access::Read}) {
    const File file = File::open(dir / part_name(1, 3), access);
    EXPECT_EQ(file.parts(), 3);
    EXPECT_EQ(file.metadata().require_string("general.name"), "in parts");
    ASSERT_EQ(file.tensors().size(), 3u);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(file.tensors()[size_t(i)].name, "tensor." + std::to_string(i));
      float value = 0;
      std::memcpy(&value, file.tensors()[size_t(i)].data.data(), sizeof value);
      EXPECT_EQ(value, float(i + 1));
    }
    uint64_t bytes = 0;
    for (int i = 1; i <= 3; ++i) bytes += std::filesystem::file_size(dir / part_name(i, 3));
    EXPECT_EQ(file.file_bytes(), bytes);
  }
}

TEST_F(Split, OneOfOneIsAWholeModel) {
  part(0, 1, 1).save(dir / part_name(1, 1));
  EXPECT_EQ(File::open(dir / part_name(1, 1)).parts(), 1);
  GgufWriter().save(dir / part_name(1, 1));
  EXPECT_EQ(File::open(dir / part_name(1, 1)).parts(), 1);
}

TEST_F(Split, AnotherPartNamesTheFirst) {
  expect_refusal(part_name(2, 3),
                 "found part 2 of 3 of a split model, expected the first; open model-00001-of-00003.gguf");
  std::filesystem::rename(dir / part_name(3, 3), dir / "other.gguf");
  expect_refusal("other.gguf",
                 "found part 3 of 3 of a split model, expected the first; open the one named …-00001-of-00003.gguf");
}

TEST_F(Split, MissingPartIsNamed) {
  std::filesystem::remove(dir / part_name(3, 3));
  expect_refusal(part_name(1, 3), part_name(3, 3) + ": part 3 of 3 is missing", ErrorCode::Io);
}

TEST_F(Split, RenamedFirstPart) {
  std::filesystem::rename(dir / part_name(1, 3), dir / "model.gguf");
  expect_refusal("model.gguf", "expected the name …-00001-of-00003.gguf");
  std::filesystem::rename(dir / "model.gguf", dir / part_name(2, 3));
  expect_refusal(part_name(2, 3), "found the first of 3 parts");
  std::filesystem::rename(dir / part_name(2, 3), dir / part_name(1, 4));
  expect_refusal(part_name(1, 4), "expected the name …-00001-of-00003.gguf");
}

TEST_F(Split, NameWithoutKeys) {
  GgufWriter().save(dir / part_name(1, 2));
  expect_refusal(part_name(1, 2), "named as one of 2 parts");
}

TEST_F(Split, MixedUpParts) {
  part(1, 3, 3).save(dir / part_name(3, 3));
  expect_refusal(part_name(1, 3), part_name(3, 3) + ": found part 2 of 3");
  part(2, 4, 3).save(dir / part_name(3, 3));
  expect_refusal(part_name(1, 3), "found part 3 of 4 by its split.no and split.count, expected part 3 of 3");
}

TEST_F(Split, DamagedPartIsNamed) {
  std::filesystem::resize_file(dir / part_name(2, 3), 37);
  expect_refusal(part_name(1, 3), part_name(2, 3) + ": byte ");
}

TEST_F(Split, TensorCountOfAllParts) {
  part(0, 3, 4).save(dir / part_name(1, 3));
  expect_refusal(part_name(1, 3), "found 3 tensors in its 3 parts, expected 4 (split.tensors.count)");
  GgufWriter().add<uint16_t>("split.no", 0).add<uint16_t>("split.count", 3).save(dir / part_name(1, 3));
  expect_refusal(part_name(1, 3), "found 2 tensors in its 3 parts");
}

TEST_F(Split, TensorInTwoParts) {
  GgufWriter twin;
  twin.add<uint16_t>("split.no", 2)
      .add<uint16_t>("split.count", 3)
      .tensor("tensor.0", quant::Type::F32, {1})
      .save(dir / part_name(3, 3));
  expect_refusal(part_name(1, 3), "tensor 'tensor.0': found it in two parts");
}

TEST(PartName, IsReadAndWritten) {
  const auto name = parse_part_name("Qwen3-Coder-Q4_K_M-00002-of-00010.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->stem, "Qwen3-Coder-Q4_K_M");
  EXPECT_EQ(name->number, 2u);
  EXPECT_EQ(name->count, 10u);
  EXPECT_EQ(name->file_name(), "Qwen3-Coder-Q4_K_M-00002-of-00010.gguf");
  for (const char* other :
       {"model.gguf", "-00001-of-00002.gguf", "m-0001-of-00002.gguf", "m-00001-of-00002.bin", "m-00001_of_00002.gguf",
        "m-0000x-of-00002.gguf", "m-00001-of-000002.gguf", "m_00001-of-00002.gguf", ""}) {
    EXPECT_FALSE(parse_part_name(other)) << other;
  }
}

}  // namespace
}  // namespace apr::gguf
