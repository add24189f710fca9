// Files that must be refused, each with its error; none may crash, hang or be taken for sound.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "gguf/broken_files.h"
#include "gguf/file.h"
#include "gguf/temp_dir.h"

namespace apr::gguf {
namespace {

using test::BrokenFile;
using test::Bytes;

/// What happens instead of success.
struct Refusal {
  ErrorCode code = ErrorCode::Internal;
  std::string sentence = "no error";
};

template <class Action>
Refusal refusal_of(Action action) {
  try {
    action();
  } catch (const Error& e) {
    return {e.code(), e.what()};
  }
  return {};
}

/// One line that a terminal can show, and not an essay.
void expect_readable(const std::string& sentence) {
  for (const char c : sentence) EXPECT_GE(uint8_t(c), 0x20) << sentence;
  EXPECT_LE(sentence.size(), 700u) << sentence;
}

class Broken : public testing::TestWithParam<BrokenFile> {};

TEST_P(Broken, IsRefusedByParse) {
  const BrokenFile& file = GetParam();
  const Refusal r = refusal_of([&] { File::parse(file.bytes, "x.gguf"); });
  EXPECT_EQ(name_of(r.code), name_of(file.code)) << r.sentence;
  EXPECT_NE(r.sentence.find(file.fragment), std::string::npos) << r.sentence;
  EXPECT_TRUE(r.sentence.starts_with("x.gguf: ")) << r.sentence;
  expect_readable(r.sentence);
}

TEST_P(Broken, IsRefusedByOpen) {
  const BrokenFile& file = GetParam();
  const test::TempDir dir;
  const auto path = dir / "x.gguf";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(file.bytes.data()), std::streamsize(file.bytes.size()));
  for (const Access access : {Access::Mmap, Access::Read}) {
    const Refusal r = refusal_of([&] { File::open(path, access); });
    EXPECT_EQ(name_of(r.code), name_of(file.code)) << r.sentence;
    EXPECT_TRUE(r.sentence.starts_with(path.string())) << r.sentence;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Broken, testing::ValuesIn(test::broken_files()), [](const auto& info) {
  std::string name = info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !isalnum(uint8_t(c)); }, '_');
  return name;
});

TEST(Truncated, AtEveryByteIsAnError) {
  const Bytes whole = test::sample_file();
  EXPECT_NO_THROW(File::parse(whole));
  for (size_t n = 0; n < whole.size(); ++n) {
    const Refusal r = refusal_of([&] { File::parse(std::span(whole).first(n)); });
    ASSERT_EQ(name_of(r.code), name_of(ErrorCode::BadFile)) << "cut to " << n << " bytes: " << r.sentence;
  }
}

// Every byte of the header set to each of a few values: any result but a crash or a foreign exception is right, and
// what is taken for sound must be usable.
TEST(Mutated, AnyByteChangedIsSoundOrAnError) {
  const Bytes whole = test::sample_file();
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const int change : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      Bytes changed = whole;
      changed[i] = std::byte(change);
      refusal_of([&] {
        const File file = File::parse(changed);
        for (const auto& entry : file.metadata().entries()) entry.value.display();
        for (const Tensor& t : file.tensors()) ASSERT_EQ(file.find(t.name), &t);
      });
    }
  }
}

TEST(OpenErrors, MissingFile) {
  const test::TempDir dir;
  const Refusal r = refusal_of([&] { File::open(dir / "none.gguf"); });
  EXPECT_EQ(r.code, ErrorCode::Io);
  EXPECT_NE(r.sentence.find("none.gguf: no such file"), std::string::npos) << r.sentence;
}

TEST(OpenErrors, PathThroughAFile) {
  const test::TempDir dir;
  std::ofstream(dir / "file") << "x";
  EXPECT_EQ(refusal_of([&] { File::open(dir / "file/model.gguf"); }).code, ErrorCode::Io);
}

TEST(OpenErrors, Directory) {
  const test::TempDir dir;
  const Refusal r = refusal_of([&] { File::open(dir / "."); });
  EXPECT_EQ(r.code, ErrorCode::Io);
  EXPECT_NE(r.sentence.find("is a directory"), std::string::npos) << r.sentence;
}

TEST(OpenErrors, PipeDoesNotWait) {
  const test::TempDir dir;
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  const Refusal r = refusal_of([&] { File::open(dir / "pipe"); });
  EXPECT_EQ(r.code, ErrorCode::Io);
  EXPECT_NE(r.sentence.find("pipe or device"), std::string::npos) << r.sentence;
}

/// A file of 1 GiB, nearly all of it a hole, that starts as given.
void save_sparse(const std::filesystem::path& path, const Bytes& start) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(start.data()), std::streamsize(start.size()));
  std::filesystem::resize_file(path, uint64_t(1) << 30);
}

TEST(HugeFile, MayHoldTensorsButNotMetadata) {
  const test::TempDir dir;
  save_sparse(dir / "array.gguf", test::one_array(ValueType::U8, uint64_t(1) << 29));
  const Refusal r = refusal_of([&] { File::open(dir / "array.gguf"); });
  EXPECT_EQ(r.code, ErrorCode::BadFile);
  EXPECT_NE(r.sentence.find("may take 256 MiB"), std::string::npos) << r.sentence;

  const uint64_t elements = uint64_t(1) << 27;
  save_sparse(dir / "tensor.gguf", test::one_tensor({elements}, 0, 4));
  EXPECT_EQ(File::open(dir / "tensor.gguf").find("w")->data.size(), 4 * elements);
}

TEST(OpenErrors, Unreadable) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const test::TempDir dir;
  test::GgufWriter().save(dir / "secret.gguf");
  ASSERT_EQ(chmod((dir / "secret.gguf").c_str(), 0), 0);
  const Refusal r = refusal_of([&] { File::open(dir / "secret.gguf"); });
  EXPECT_EQ(r.code, ErrorCode::Io);
  EXPECT_NE(r.sentence.find("cannot open"), std::string::npos) << r.sentence;
}

TEST(OpenErrors, NamesAreShownHarmlessly) {
  expect_readable(refusal_of([] { File::open("no\nsuch\x1b[2J.gguf"); }).sentence);
}

}  // namespace
}  // namespace apr::gguf
