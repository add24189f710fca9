// Tables, caches of whole words and heaps are short cuts: the ids are those of plain merging, text by text.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>

#include "engine/engine.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/nfc.h"
#include "tokenizer/split.h"
#include "tokenizer/tokenizer.h"

namespace apr::tokenizer {
namespace {

/// Byte-pair merging as it is told: the pieces as strings, the first of the best pairs joined, again and again.
class PlainEncoder {
 public:
  explicit PlainEncoder(const Vocabulary& v) : pre_(*find_pre_tokenizer(v.pre)) {
    for (size_t id = 0; id < v.tokens.size(); ++id) {
      if (v.kinds.empty() || v.kinds[id] == Kind::Normal) ids_.try_emplace(v.tokens[id], Token(id));
    }
    for (size_t rank = 0; rank < v.merges.size(); ++rank) ranks_.try_emplace(v.merges[rank], rank);
  }

  std::vector<Token> encode(std::string_view text) const {
    std::string buffer;
    std::string_view left = pre_.nfc ? nfc(text, buffer) : text;
    std::vector<Token> out;
    while (!left.empty()) {
      const size_t length = pre_.first_piece(left);
      for (const std::string& part : merged(left.substr(0, length))) out.push_back(ids_.at(part));
      left.remove_prefix(length);
    }
    return out;
  }

 private:
  std::vector<std::string> merged(std::string_view piece) const {
    std::vector<std::string> parts;
    for (const char byte : piece) parts.push_back(to_alphabet(std::string_view(&byte, 1)));
    for (;;) {
      size_t best = parts.size(), best_rank = SIZE_MAX;
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        const auto rank = ranks_.find(parts[i] + " " + parts[i + 1]);
        if (rank != ranks_.end() && rank->second < best_rank) best = i, best_rank = rank->second;
      }
      if (best == parts.size()) return parts;
      parts[best] += parts[best + 1];
      parts.erase(parts.begin() + std::ptrdiff_t(best) + 1);
    }
  }

  const PreTokenizer& pre_;
  std::map<std::string, Token> ids_;
  std::map<std::string, size_t> ranks_;
};

std::string file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void expect_same(const Vocabulary& vocabulary) {
  const PlainEncoder plain(vocabulary);
  const Tokenizer tokenizer{Vocabulary(vocabulary)};
  const std::filesystem::path root = APR_SOURCE_DIR;
  const std::string code = file(root / "src/tokenizer/split.cpp") + file(root / "tests/e2e/cli_test.py"),
                    prose = file(root / "README.md");
  ASSERT_GT(code.size(), 10000u);
  EXPECT_EQ(tokenizer.encode(code, Special::Plain), plain.encode(code));
  EXPECT_EQ(tokenizer.encode(prose, Special::Plain), plain.encode(prose));
  // Words cut anywhere, scripts, white space and broken UTF-8, as they come.
  std::mt19937 random(3);
  const std::string odd[] = {"é", "e\u0301", "中文", "Привет", "한국어", " ", "  ", "\n", "\t", "\xff", "\xe2\x82", "'s", "'LL", "1234", "😀"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (unsigned n = random() % 6 + 1; n > 0; --n) {
      const std::string& from = random() % 2 ? code : prose;
      const size_t at = random() % (from.size() - 40);
      text += random() % 3 ? from.substr(at, random() % 30) : odd[random() % std::size(odd)];
    }
    ASSERT_EQ(tokenizer.encode(text, Special::Plain), plain.encode(text)) << text;
  }
}

TEST(PlainMerging, BundledVocabulary) {
  expect_same(engine::vocabulary_of(gguf::File::open(std::string(APR_SOURCE_DIR) + "/models/tiny-qwen3moe-q4_k_m.gguf")));
}

TEST(PlainMerging, QwenVocabulary) {
  const std::string folder = std::string(APR_SHARED_DIR) + "/data/tokenizer/";
  if (!std::filesystem::exists(folder + "vocab.json")) GTEST_SKIP() << "no " << folder;
  expect_same(read_vocabulary(folder + "vocab.json", folder + "merges.txt"));
}

}  // namespace
}  // namespace apr::tokenizer
