#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

namespace apr::tokenizer {
namespace {

/// A folder of its own for each test, gone afterwards.
class VocabularyFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("apr_vocabulary_" + std::string(test->name()) + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    write("vocab.json", R"({"a": 0, "b": 1, "ab": 3})");
    write("merges.txt", "#version: 0.2\na b\n");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  Vocabulary read() const { return read_vocabulary(path("vocab.json"), path("merges.txt")); }

  /// What the error says; it must name the file.
  std::string refusal(const std::string& file, ErrorCode code = ErrorCode::BadFile) const {
    try {
      read();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(file), std::string::npos) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }
  void expect_refused(const std::string& file, const std::string& text, const std::string& part) const {
    write(file, text);
    EXPECT_NE(refusal(file).find(part), std::string::npos) << refusal(file) << "\nexpected in it: " << part;
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(VocabularyFiles, GapsAreUnused) {
  const Vocabulary v = read();
  ASSERT_EQ(v.tokens.size(), 4u);
  EXPECT_EQ(v.tokens[3], "ab");
  EXPECT_EQ(v.kinds[2], Kind::Unused);
  EXPECT_EQ(v.kinds[3], Kind::Normal);
  EXPECT_EQ(v.merges, std::vector<std::string>{"a b"});
  EXPECT_EQ(v.pre, "qwen2");
}

TEST_F(VocabularyFiles, AddedTokensInBothForms) {
  write("added_tokens.json",
        R"({"5": {"content": "<|x|>", "special": true}, "2": {"content": "<y>", "special": false}})");
  Vocabulary v = read();
  ASSERT_EQ(v.tokens.size(), 6u);
  EXPECT_EQ(v.tokens[5], "<|x|>");
  EXPECT_EQ(v.kinds[5], Kind::Control);
  EXPECT_EQ(v.tokens[2], "<y>");
  EXPECT_EQ(v.kinds[2], Kind::UserDefined);
  EXPECT_EQ(v.kinds[4], Kind::Unused);
  write("added_tokens.json", R"({"<|x|>": 4, "<y>": 5, "ab": 3})");
  v = read();
  EXPECT_EQ(v.kinds[4], Kind::Control);
  EXPECT_EQ(v.kinds[5], Kind::UserDefined);
  EXPECT_EQ(v.kinds[3], Kind::UserDefined) << "an added token may repeat an entry of the vocabulary";
}

TEST_F(VocabularyFiles, MergesMayHaveCrlfAndNoVersion) {
  write("merges.txt", "# a\r\na b");
  EXPECT_EQ(read().merges, (std::vector<std::string>{"# a", "a b"}));
  write("merges.txt", "");
  EXPECT_TRUE(read().merges.empty());
}

TEST_F(VocabularyFiles, RefusesBadVocabularies) {
  expect_refused("vocab.json", R"({"a": 0, "b": 0})", "id 0 is \"a\" and \"b\"");
  expect_refused("vocab.json", R"({"a": 0, "a": 1})", "token \"a\" has ids 0 and 1");
  expect_refused("vocab.json", R"({"a": 0, "a": 0})", "token \"a\" has ids 0 and 0");
  expect_refused("vocab.json", R"({"a": -1})", "id -1");
  expect_refused("vocab.json", R"({"a": 4194304})", "expected 0 to 4194303");
  expect_refused("vocab.json", R"({"a": 18446744073709551615})", "expected 0 to");
  expect_refused("vocab.json", R"({"a": 1.5})", "key \"a\": found a fraction");
  expect_refused("vocab.json", R"({"a": 1e400})", "JSON");
  expect_refused("vocab.json", R"({"a": "0"})", "found a string");
  expect_refused("vocab.json", R"({"a": null})", "found null");
  expect_refused("vocab.json", R"({"a": {"b": 1}})", "found an object");
  expect_refused("vocab.json", R"([1])", "found an array");
  expect_refused("vocab.json", R"(7)", "found a number");
  expect_refused("vocab.json", R"({"a": 0)", "no valid JSON at byte");
  expect_refused("vocab.json", "{\"a\xFF\": 0}", "no valid JSON");
  expect_refused("vocab.json", "", "no valid JSON");
  expect_refused("vocab.json", std::string(100'000, '['), "found an array");
}

TEST_F(VocabularyFiles, RefusesBadMerges) {
  expect_refused("merges.txt", "#version: 0.2\na b\nab\n", "line 3 is \"ab\"");
  expect_refused("merges.txt", "a b c\n", "line 1");
  expect_refused("merges.txt", "a b\n\na b\n", "line 2 is \"\"");
  expect_refused("merges.txt", " a\n", "line 1");
  expect_refused("merges.txt", "a \n", "line 1");
}

TEST_F(VocabularyFiles, RefusesBadAddedTokens) {
  const std::string file = "added_tokens.json";
  expect_refused(file, R"({"x": {"content": "<y>"}})", "key \"x\"");
  expect_refused(file, R"({"5": {"text": "<y>"}})", "expected \"ID\": {\"content\"");
  expect_refused(file, R"({"5": {"content": 5}})", "key \"5\"");
  expect_refused(file, R"({"5": {"content": ""}})", "the content is empty");
  expect_refused(file, R"({"5": {"content": "<y>", "special": 1}})", "key \"5\"");
  expect_refused(file, R"({"3": {"content": "<y>"}})", "id 3 is \"ab\" and \"<y>\"");
  expect_refused(file, R"({"5": {"content": "ab"}})", "token \"ab\" has ids 3 and 5");
  expect_refused(file, R"({"5": {"content": "<y>"}, "5": {"content": "<z>"}})", "key \"5\" is there twice");
  expect_refused(file, R"({"-5": {"content": "<y>"}})", "id -5");
  expect_refused(file, R"({"99999999999": {"content": "<y>"}})", "id 99999999999");
  expect_refused(file, R"({"<y>": 18446744073709551615})", "expected 0 to");
  expect_refused(file, R"({"<y>": 1.5})", "found 1.5");
  expect_refused(file, R"([])", "found array");
  expect_refused(file, R"({)", "no valid JSON");
}

TEST_F(VocabularyFiles, MissingFilesAreIoErrors) {
  std::filesystem::remove(path("merges.txt"));
  refusal("merges.txt", ErrorCode::Io);
  std::filesystem::remove(path("vocab.json"));
  refusal("vocab.json", ErrorCode::Io);
  std::filesystem::create_directory(path("vocab.json"));
  refusal("vocab.json", ErrorCode::Io);
}

TEST(ByteAlphabet, GoesThereAndBackForEveryByte) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  EXPECT_EQ(from_alphabet(to_alphabet(bytes)), bytes);
  EXPECT_EQ(to_alphabet(" \n\t\x7F\xA0\xAD"
                        "a!~\xFF"),
            "\u0120\u010A\u0109\u0121\u0142\u0143a!~\u00FF");
}

TEST(ByteAlphabet, RefusesOtherCharacters) {
  for (const char* text : {" ", "\n", "\u00AD", "\u00A0", "\u0144", "\u4E2D", "a\xFF", "\xC4"})
    EXPECT_FALSE(from_alphabet(text)) << text;
  EXPECT_EQ(from_alphabet(""), "");
}

}  // namespace
}  // namespace apr::tokenizer
