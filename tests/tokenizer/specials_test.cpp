#include "tokenizer/specials.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/error.h"
#include "tokenizer/small_vocabulary.h"

namespace apr::tokenizer {
namespace {

TEST(Specials, LeftmostThenLongest) {
  const Specials specials({{"<a>", 1}, {"<a>>", 2}, {"a>", 3}, {"<a", 4}, {"zz", 5}});
  const auto found = [&](std::string_view text, size_t from = 0) {
    const Specials::Match m = specials.find_in(text, from);
    return std::to_string(m.begin) + "+" + std::to_string(m.length) + "=" + std::to_string(m.token);
  };
  EXPECT_EQ(found("x<a>>y"), "1+4=2");
  EXPECT_EQ(found("x<a>y"), "1+3=1");
  EXPECT_EQ(found("x<ay"), "1+2=4");
  EXPECT_EQ(found("x<a>>", 2), "2+2=3");
  EXPECT_EQ(found("<<a>"), "1+3=1");
  EXPECT_EQ(found("zzz"), "0+2=5");
  EXPECT_EQ(found("x<"), "2+0=-1");
  EXPECT_EQ(found(""), "0+0=-1");
}

TEST(Specials, FindsByExactText) {
  const Specials specials({{"b", 7}, {"", 8}, {"a", 5}, {"b", 9}});
  EXPECT_EQ(specials.find("a"), 5);
  EXPECT_EQ(specials.find("b"), 7) << "the lower of two with one text";
  EXPECT_EQ(specials.find(""), -1) << "an empty token can never be cut out";
  EXPECT_EQ(specials.find("c"), -1);
  EXPECT_EQ(Specials().find_in("a", 0).token, -1);
}

TEST(Specials, BytesCompareUnsigned) {
  const Specials specials({{"\xFF\x01", 1}, {"a\x80", 2}, {"a\x7F", 3}, {"\xC3\xA9", 4}});
  EXPECT_EQ(specials.find_in("\xFF\x01", 0).token, 1);
  EXPECT_EQ(specials.find_in("a\x80", 0).token, 2);
  EXPECT_EQ(specials.find_in("a\x7F", 0).token, 3);
  EXPECT_EQ(specials.find_in("\u00E9", 0).token, 4);
}

TEST(Specials, EqualsTheNaiveSearchOnRandomInputs) {
  std::mt19937 random(5);
  const auto word = [&](size_t most) {
    std::string text;
    for (size_t n = 1 + random() % most; n > 0; --n) text.push_back(static_cast<char>('a' + random() % 2));
    return text;
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<Specials::Entry> entries;
    for (size_t n = random() % 12; n > 0; --n) entries.push_back({word(6), static_cast<Token>(n)});
    const Specials specials(entries);
    const std::string text = word(40);
    const Specials::Match match = specials.find_in(text, 0);
    std::string expected;
    size_t at = 0;
    for (; at < text.size() && expected.empty(); ++at) {
      for (const auto& e : entries) {
        if (text.compare(at, e.text.size(), e.text) == 0 && e.text.size() > expected.size()) expected = e.text;
      }
    }
    EXPECT_EQ(text.substr(match.begin, match.length), expected) << text;
    EXPECT_EQ(match.begin, expected.empty() ? text.size() : at - 1) << text;
  }
}

TEST(Specials, AnAbsurdlyLongOneIsRefused) {
  auto with = [](size_t length) {
    Tokenizer(small_vocabulary("qwen2", {}, {{std::string(length, '<'), Kind::Control}}));
  };
  with(256);
  try {
    with(257);
    FAIL() << "it was accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::BadModel);
    EXPECT_NE(std::string(e.what()).find("special token 256 has 257 bytes"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace apr::tokenizer
