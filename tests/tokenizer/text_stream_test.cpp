#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tokenizer/small_vocabulary.h"
#include "tokenizer/tokenizer.h"

namespace apr::tokenizer {
namespace {

using namespace std::string_literals;

/// A vocabulary whose tokens are all that a test needs: each of `chunks` is one token.
Tokenizer tokenizer_of(const std::vector<std::string>& chunks) {
  Vocabulary v = small_vocabulary("gpt-2", {});
  for (const std::string& chunk : chunks) {
    v.tokens.push_back(to_alphabet(chunk));
    v.kinds.push_back(Kind::Normal);
  }
  return Tokenizer(v);
}

std::string stream(const std::vector<std::string>& chunks) {
  const Tokenizer tokenizer = tokenizer_of(chunks);
  TextStream stream(tokenizer);
  std::string text;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const std::string part = stream.push(static_cast<Token>(256 + i));
    // What comes out at any time is valid by itself: streaming it again changes nothing.
    const Tokenizer one = tokenizer_of({part});
    TextStream again(one);
    EXPECT_EQ(again.push(256) + again.finish(), part);
    text += part;
  }
  return text + stream.finish();
}

struct Case {
  std::string bytes, text;
};

// The invalid ones are those of The Unicode Standard 15, tables 3-8 to 3-11, and what else can go wrong.
const Case kCases[] = {
    {"", ""},
    {"plain", "plain"},
    {"\u00E9\u20AC\U0001F600", "\u00E9\u20AC\U0001F600"},
    {"\0a\0"s, "\0a\0"s},
    {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
    {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
    {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB"},
    {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "\uFFFD\uFFFD\uFFFD\uFFFDA"},
    {"a\xE2\x82", "a\uFFFD"},
    {"a\xF0\x9F\x98", "a\uFFFD"},
    {"\xF0\x9F\x98\xF0\x9F\x98\x80", "\uFFFD\U0001F600"},
    {"\xC3", "\uFFFD"},
    {"\xC3\xC3\xA9", "\uFFFD\u00E9"},
    {"\xEF\xBF\xBD\xEF\xBF\xBE\xF4\x8F\xBF\xBF", "\uFFFD\uFFFE\U0010FFFF"},
};

TEST(TextStream, EveryCutGivesTheSameText) {
  for (const Case& c : kCases) {
    const size_t n = c.bytes.size();
    EXPECT_EQ(stream({c.bytes}), c.text) << testing::PrintToString(c.bytes);
    std::vector<std::string> bytewise;
    for (const char byte : c.bytes) bytewise.emplace_back(1, byte);
    EXPECT_EQ(stream(bytewise), c.text) << testing::PrintToString(c.bytes);
    for (size_t i = 0; i <= n; ++i) {
      for (size_t j = i; j <= n; ++j) {
        EXPECT_EQ(stream({c.bytes.substr(0, i), c.bytes.substr(i, j - i), c.bytes.substr(j)}), c.text)
            << testing::PrintToString(c.bytes) << " cut at " << i << " and " << j;
      }
    }
  }
}

TEST(TextStream, HoldsBackOnlyTheUnfinishedCharacter) {
  const Tokenizer tokenizer = tokenizer_of({"a\xE2", "\x82", "\xACz\xF0", "b"});
  TextStream stream(tokenizer);
  EXPECT_EQ(stream.push(256), "a");
  EXPECT_EQ(stream.push(257), "");
  EXPECT_EQ(stream.push(258), "\u20ACz");
  EXPECT_EQ(stream.push(259),
            "\uFFFD"
            "b");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, CanBeUsedAgainAfterFinish) {
  const Tokenizer tokenizer = tokenizer_of({"\xE2\x82", "\xAC"});
  TextStream stream(tokenizer);
  EXPECT_EQ(stream.push(256), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.push(257), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

}  // namespace
}  // namespace apr::tokenizer
