// Cases that the reference implementation of the Qwen tokenizer made (shared data, not in this repository).
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tokenizer/tokenizer.h"

namespace apr::tokenizer {
namespace {

const std::string kFolder = std::string(APR_SHARED_DIR) + "/data/tokenizer/";

std::string stream(const Tokenizer& tokenizer, const std::vector<Token>& ids) {
  TextStream stream(tokenizer);
  std::string text;
  for (const Token id : ids) text += stream.push(id);
  return text + stream.finish();
}

TEST(Golden, EveryLineOfTheReferenceFile) {
  if (!std::filesystem::exists(kFolder + "golden.jsonl")) GTEST_SKIP() << "no " << kFolder << "golden.jsonl";
  const Tokenizer tokenizer(read_vocabulary(kFolder + "vocab.json", kFolder + "merges.txt"));
  EXPECT_EQ(tokenizer.size(), 151669u);
  std::ifstream file(kFolder + "golden.jsonl");
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const auto golden = nlohmann::json::parse(line);
    const auto text = golden["text"].get<std::string>();
    const auto ids = golden["ids"].get<std::vector<Token>>();
    const auto normalised = golden.value("nfc", text);
    SCOPED_TRACE(golden["group"].get<std::string>() + " " + golden["text"].dump(-1, ' ', true));
    EXPECT_EQ(tokenizer.encode(text, golden["special"].get<bool>() ? Special::Parse : Special::Plain), ids);
    EXPECT_EQ(tokenizer.decode(ids), normalised);
    EXPECT_EQ(stream(tokenizer, ids), normalised);
  }
  EXPECT_GE(lines, 694);
}

TEST(Golden, TheBytesOfEveryNormalTokenComeBackAsText) {
  if (!std::filesystem::exists(kFolder + "vocab.json")) GTEST_SKIP() << "no " << kFolder << "vocab.json";
  for (const char* pre : {"qwen2", "gpt-2", "llama-bpe"}) {
    const Tokenizer tokenizer(read_vocabulary(kFolder + "vocab.json", kFolder + "merges.txt", pre));
    std::string all;
    for (Token id = 0; id < 151643; ++id) all += tokenizer.bytes(id);
    all += '\xFF';  // holds invalid UTF-8 anyway, which keeps NFC off
    EXPECT_TRUE(tokenizer.decode(tokenizer.encode(all, Special::Plain)) == all) << pre;
  }
}

}  // namespace
}  // namespace apr::tokenizer
