// Grammars: what they match, what is refused, and that masks are what a look at each token alone would give.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/error.h"
#include "sampling/grammar/gbnf.h"
#include "sampling/grammar/matcher.h"
#include "sampling/grammar/regex.h"
#include "sampling/grammar/schema.h"

namespace apr::grammar {
namespace {

std::shared_ptr<const Program> compiled(const Rules& rules) { return std::make_shared<Program>(rules); }

/// Whether a text, from its first byte to its last, matches.
bool matches(const Rules& rules, std::string_view text) {
  States states(compiled(rules));
  States::Id state = states.start();
  for (const char c : text) {
    state = states.next(state, uint8_t(c));
    if (state == States::kDead) return false;
  }
  return states.distance(state) == 0;
}

/// All single bytes, and tokens that cross from one part of a JSON text to another.
std::vector<std::string> some_tokens() {
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, char(b));
  for (const char* t : {"",    "ab",      "abc",   "abcd", "a\"",      "a\",", "\": ",  "\":\"", "{\"",
                        "\"}", "{\"a\":", "[1",    "12",   "3.5",      "true", " true", ", ",    ",\n  ",
                        "}}",  "é",       "éa",    "日本", "\xE6\x97", "\xA5", "a b",   "  ",    "      ",
                        "\\n", "\\\"",    "\\u00", "x\\",  "- ",       "\n",   "]\n}",  "null",  "abcdefghijklmnop",
                        "a,b", "\"ab\""})
    tokens.emplace_back(t);
  return tokens;
}

class Masks : public testing::TestWithParam<const char*> {
 protected:
  Rules rules() const {
    const std::string_view text = GetParam();
    return text.starts_with('{') || text.starts_with("true") ? rules_of_schema(Json::parse(text)) : read_gbnf(text);
  }
};

// Each state on random ways through the grammar: a token is in the mask if and only if its bytes lead somewhere; with
// room for n tokens, only if a match can still be reached. Every way ends in a match when the room does.
TEST_P(Masks, AreWhatEachTokenAloneSays) {
  const std::vector<std::string> tokens = some_tokens();
  std::vector<std::string_view> views(tokens.begin(), tokens.end());
  const auto trie = std::make_shared<TokenTrie>(views);
  const auto program = compiled(rules());
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    Matcher matcher(program, trie);
    States states(program);
    States::Id state = states.start();
    uint32_t left = states.distance(state) + random() % 60;
    std::string text;
    while (left > 0) {
      for (const uint32_t room : {Matcher::kMany, left}) {
        const sampling::Mask mask = matcher.mask(room);
        for (size_t id = 0; id < tokens.size(); ++id) {
          States::Id after = state;
          for (const char c : tokens[id]) {
            if (after != States::kDead) after = states.next(after, uint8_t(c));
          }
          const bool fits = !tokens[id].empty() && after != States::kDead &&
                            (room == Matcher::kMany || states.distance(after) <= room - 1);
          ASSERT_EQ(sampling::holds(mask, Token(id)), fits)
              << "token " << testing::PrintToString(tokens[id]) << " after " << testing::PrintToString(text) << " room "
              << room;
        }
      }
      std::vector<Token> choices;
      const sampling::Mask mask = matcher.mask(left);
      for (size_t id = 0; id < tokens.size(); ++id) {
        if (sampling::holds(mask, Token(id))) choices.push_back(Token(id));
      }
      if (choices.empty()) break;
      const Token token = choices[random() % choices.size()];
      matcher.accept(token);
      for (const char c : tokens[size_t(token)]) state = states.next(state, uint8_t(c));
      text += tokens[size_t(token)];
      --left;
    }
    EXPECT_TRUE(matcher.may_end()) << testing::PrintToString(text);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Masks,
    testing::Values(
        R"(root ::= "abc" | [a-z]{2,5} "," root)", R"(root ::= ("- " [^\n]+ "\n")+)", R"(root ::= . . .)",
        R"(root ::= [^"]{0,7} "\"" ("ab" | [a-d]{1,3})*)", R"x(root ::= "(" root ")" | "x")x",
        R"({"type":"string","maxLength":6})", R"({"type":"string","minLength":3,"maxLength":20})",
        R"({"type":"string","pattern":"^[a-c ]{2,9}$"})", R"({"type":"string","pattern":"b","maxLength":5})",
        R"({"type":"object","properties":{"a":{"type":"string"},"ab":{"type":"integer"}},"additionalProperties":{"type":"string","maxLength":4}})",
        R"({"anyOf":[{"type":"string","minLength":12},{"const":"ab"},{"type":"number","minimum":-1.5,"exclusiveMaximum":12.25}]})",
        R"({"type":"array","items":{"type":"string","maxLength":3},"minItems":2,"maxItems":4})", R"(true)",
        R"({"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/n"}},"required":["v"]}},"$ref":"#/$defs/n"})"));

TEST(Gbnf, Matches) {
  const Rules list = read_gbnf(R"(# a list
root  ::= "[" (item ("," ws item)*)? "]"   # of items
item  ::= number |
          "\"" [^"\\\n]{1,4} "\""
number ::= "-"? [0-9]+ ("." [0-9]{2})?
ws ::= [ \t]*
)");
  for (const char* text : {"[]", "[1]", "[-12.50, \"é日\",  \"a]\"]"}) EXPECT_TRUE(matches(list, text)) << text;
  for (const char* text : {"", "[", "[1,]", "[1.5]", "[\"\"]", "[\"abcde\"]", "[1] ", "[\"\xC3\"]"})
    EXPECT_FALSE(matches(list, text)) << text;
  EXPECT_TRUE(matches(read_gbnf("root ::= \"\\x41\\u00e9\\U0001F600\" [\\]\\-x-]"), "A\u00E9\U0001F600-"));
}

TEST(Gbnf, SaysWhatIsWrongAndWhere) {
  const std::map<std::string, std::string> wrong = {
      {"root = \"a\"", "grammar, line 1, column 6: found '=', expected ::= after 'root'"},
      {"root ::= \"a", "grammar, line 1, column 12: found the end, expected the text's closing quote"},
      {"root ::= a\nb ::= \"x\"", "grammar, line 1, column 10: rule 'a' is used, but not defined"},
      {"a ::= \"x\"", "grammar: there is no rule 'root', which says what the whole text is; add root ::= …"},
      {"root ::= \"a\"\nroot ::= \"b\"", "grammar, line 2, column 1: rule 'root' is defined twice"},
      {"root ::= [z-a]", "grammar, line 1, column 11: the range ends before it begins"},
      {"root ::= (\"a\"", "grammar, line 1, column 14: found the end, expected )"},
      {"root ::= \"a\"{3,2}", "grammar, line 1, column 18: {3,2}: the first number is larger than the second"},
  };
  for (const auto& [text, sentence] : wrong) {
    try {
      read_gbnf(text);
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::BadInput);
      EXPECT_EQ(std::string(e.what()), sentence);
    }
  }
  EXPECT_THROW(read_gbnf("root ::= <|im_end|>"), Error);
  EXPECT_THROW(compiled(read_gbnf("root ::= root \"a\" | \"b\"")), Error);                  // begins with itself
  EXPECT_THROW(compiled(read_gbnf("root ::= a root \"x\" | \"b\"\na ::= \"y\"*")), Error);  // so does this, at times
  EXPECT_THROW(compiled(read_gbnf("root ::= \"a\" root")), Error);                          // never ends
  EXPECT_THROW(read_gbnf("root ::= " + std::string(100'000, '(')), Error);
}

TEST(Regex, Matches) {
  struct Case {
    const char* pattern;
    std::vector<std::u32string> in, out;
  };
  const std::vector<Case> cases = {
      {"^a+$", {U"a", U"aaa"}, {U"", U"ab", U"ba"}},
      {"b", {U"b", U"abc"}, {U"", U"ac"}},
      {"^(a|bc){2}$", {U"abc", U"bca"}, {U"a", U"abca"}},
      {"^\\d{3}-\\w+$", {U"123-x_1"}, {U"12-x", U"123-é"}},
      {"^[^\\s]$", {U"x"}, {U" ", U"xx"}},
      {"^a|b$", {U"ax", U"xb"}, {U"xa", U"bx"}},
      {"", {U"", U"x"}, {}},
      {"^\\u00e9\\x41\\.$", {U"\u00E9A."}, {U"\u00E9Ax"}},
      {"^(?:x(?<y>y)?)*?$", {U"", U"xyx"}, {U"yx"}},
      {"a{,2}", {U"a{,2}"}, {U"aa"}},
  };
  for (const Case& c : cases) {
    const CharAutomaton texts = texts_matching(c.pattern, "here");
    for (const auto& text : c.in) EXPECT_TRUE(texts.matches(text)) << c.pattern;
    for (const auto& text : c.out) EXPECT_FALSE(texts.matches(text)) << c.pattern;
  }
  for (const char* unbuilt : {"(?=a)", "(?<!a)b", "(a)\\1", "\\bword", "\\p{L}", "(?i)a", "a{20000}"}) {
    try {
      texts_matching(unbuilt, "here");
      FAIL() << unbuilt;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::UnsupportedOperation) << unbuilt;
    }
  }
  for (const char* wrong : {"(", ")", "[a", "*", "a**", "[z-a]", "\\", "a{3,1}"}) {
    try {
      texts_matching(wrong, "here");
      FAIL() << wrong;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::BadInput) << wrong;
    }
  }
}

TEST(CharSets, AreWhatTheirUtf8PatternsMatch) {
  for (const CharSet& set :
       {CharSet::all(), CharSet({{0x7F, 0x81}, {0x7FE, 0x801}, {0xD7FF, 0xE001}, {0xFFFE, 0x10002}}),
        ~CharSet({{0x20, 0xFFFFF}})}) {
    const auto patterns = utf8_patterns(set);
    for (char32_t c = 0; c <= kLastChar; c += c < 0x20000 ? 1 : 0xFD) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      const std::string bytes = utf8(c);
      const auto fits = std::count_if(patterns.begin(), patterns.end(), [&](const Utf8Pattern& p) {
        return p.size() == bytes.size() && std::equal(p.begin(), p.end(), bytes.begin(), [](ByteRange r, char b) {
                 return uint8_t(b) >= r.first && uint8_t(b) <= r.last;
               });
      });
      ASSERT_EQ(fits, set.contains(c) ? 1 : 0) << uint32_t(c);
    }
  }
}

}  // namespace
}  // namespace apr::grammar
