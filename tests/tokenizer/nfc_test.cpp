#include "tokenizer/nfc.h"

#include <gtest/gtest.h>

#include <string>

namespace apr::tokenizer {
namespace {

using namespace std::string_literals;

std::string nfc_of(const std::string& text) {
  std::string buffer;
  return std::string(nfc(text, buffer));
}

struct Case {
  std::string text, nfc;
};

const Case kCases[] = {
    {"", ""},
    {"plain \0 text"s, "plain \0 text"s},
    {"e\u0301", "\u00E9"},
    {"xe\u0301\0e\u0301y"s, "x\u00E9\0\u00E9y"s},
    {"\u0301e", "\u0301e"},              // a mark with nothing before it
    {"a\u0307\u0323", "\u1EA1\u0307"},   // reordered: the dot below joins first
    {"\u1E9B\u0323", "\u1E9B\u0323"},    // stays
    {"\u00E9\u0323", "\u1EB9\u0301"},    // a composed letter comes apart for a lower mark
    {"e\u0301\u0301", "\u00E9\u0301"},   // the second of a class is blocked
    {"o\u0302\u0308", "\u00F4\u0308"},   // same class: order is kept, no o-diaeresis
    {"q\u0307\u0323", "q\u0323\u0307"},  // order alone
    {"A\u030A", "\u00C5"},
    {"\u212B", "\u00C5"},  // a singleton
    {"\u2126\u212A", "\u03A9K"},
    {"\u0958", "\u0915\u093C"},  // excluded from composition
    {"\uFB1D", "\u05D9\u05B4"},  // excluded too
    {"\u0344", "\u0308\u0301"},
    {"\u0F73", "\u0F71\u0F72"},  // decomposes to marks only
    {"\u2ADC", "\u2ADD\u0338"},
    {"\uF900", "\u8C48"},
    {"\U0002F800", "\u4E3D"},  // plane 2
    {"\U0001D15E", "\U0001D157\U0001D165"},
    {"\U00011099\U000110BA", "\U0001109A"},
    {"\uFB01\u00BD\uFF21", "\uFB01\u00BD\uFF21"},  // NFC, not NFKC
    {"\u1100\u1161", "\uAC00"},                    // Hangul: lead + vowel
    {"\u1100\u1161\u11A8", "\uAC01"},              // + tail
    {"\uAC00\u11A8", "\uAC01"},
    {"\uAC00\u11A7\u11A8", "\uAC00\u11A7\u11A8"},  // U+11A7 is no tail, and is not lost
    {"\uAC01\u11A8", "\uAC01\u11A8"},              // a syllable has one tail
    {"\u1100\u0301\u1161", "\u1100\u0301\u1161"},  // a mark between: blocked
    {"\u1112\u1175\u11C2\u11C3", "\uD7A3\u11C3"},  // the last syllable; U+11C3 is no modern tail
    {"\u09C7\u09BE", "\u09CB"},                    // both parts are starters
    {"\u0B92\u0BD7", "\u0B94"},
    {"\u0CC6\u0CC2\u0CD5", "\u0CCB"},
    {"\u037E\u1FEF", ";`"},  // to ASCII
    {">\u0338", "\u226F"},
    {"\U00030000e\u0301\U0010FFFF", "\U00030000\u00E9\U0010FFFF"},
};

TEST(Nfc, KnownCases) {
  for (const Case& c : kCases) {
    EXPECT_EQ(nfc_of(c.text), c.nfc) << testing::PrintToString(c.text);
    EXPECT_EQ(nfc_of(c.nfc), c.nfc) << "not stable: " << testing::PrintToString(c.text);
    EXPECT_EQ(nfc_of("ab " + c.text + " \u4E2D"), "ab " + c.nfc + " \u4E2D") << testing::PrintToString(c.text);
  }
}

TEST(Nfc, TextInNfcIsNotCopied) {
  std::string buffer;
  const std::string text = "caf\u00E9 \uAC01 \u4E2D";
  EXPECT_EQ(nfc(text, buffer).data(), text.data());
}

TEST(Nfc, InvalidUtf8IsLeftAlone) {
  for (const std::string& bad : {"\xFF"s, "\xC0\x80"s, "\xED\xA0\x80"s, "\xE2\x82"s, "\xF4\x90\x80\x80"s}) {
    const std::string text = "e\u0301" + bad + "e\u0301";
    EXPECT_EQ(nfc_of(text), text);
  }
}

TEST(Nfc, LongRunsOfMarksAreNotQuadratic) {
  // Marks of falling class, over and over: a sort by swapping neighbours would take about 10^11 steps.
  std::string text = "a";
  const int rounds = 200'000;
  for (int i = 0; i < rounds; ++i) text += "\u0315\u0323";  // classes 232 and 220
  const std::string out = nfc_of(text);
  std::string expected = "\u1EA1";
  for (int i = 1; i < rounds; ++i) expected += "\u0323";
  for (int i = 0; i < rounds; ++i) expected += "\u0315";
  EXPECT_TRUE(out == expected);
}

}  // namespace
}  // namespace apr::tokenizer
