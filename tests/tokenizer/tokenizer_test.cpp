#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "tokenizer/small_vocabulary.h"

namespace apr::tokenizer {
namespace {

using namespace std::string_literals;
using Ids = std::vector<Token>;

// Tokens of english(): merges from 256 in their order, then the special tokens.
enum : Token {
  He = 256,
  Ll,
  Hell,
  Hello,
  SpaceHello,
  TwoSpaces,
  TwoNewlines,
  EAndCC,
  ApostropheS,
  ImStart,
  ImEnd,
  Think,
  ThinkMore,
  Less,
  Braces3,
  Braces2
};

Token byte(char c) { return static_cast<uint8_t>(c); }

/// The sentence and code of the error that `make` throws.
template <class Make>
std::string error_of(ErrorCode code, const Make& make) {
  try {
    make();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(Tokenizer, MergesBestFirst) {
  const Tokenizer t(english("qwen2"));
  EXPECT_EQ(t.encode("hello", Special::Plain), Ids{Hello});
  EXPECT_EQ(t.encode("hello hello", Special::Plain), (Ids{Hello, SpaceHello}));
  EXPECT_EQ(t.encode("hell", Special::Plain), Ids{Hell});
  EXPECT_EQ(t.encode("helo", Special::Plain), (Ids{He, 'l', 'o'}));
  EXPECT_EQ(t.encode("he's", Special::Plain), (Ids{He, ApostropheS}));
  EXPECT_EQ(t.encode("", Special::Parse), Ids{});
}

TEST(Tokenizer, SpecialTokensAreCutOutOnlyWhenAsked) {
  const Tokenizer t(english("qwen2"));
  const std::string text = "<|im_start|>hello<|im_end|>";
  EXPECT_EQ(t.encode(text, Special::Parse), (Ids{ImStart, Hello, ImEnd}));
  const Ids plain = t.encode(text, Special::Plain);
  for (const Token id : plain) EXPECT_LT(id, ImStart);
  EXPECT_EQ(t.decode(plain), text);
}

TEST(Tokenizer, SpecialTokensAdjacentNestedAndPartial) {
  const Tokenizer t(english("qwen2"));
  EXPECT_EQ(t.encode("<|im_end|><|im_end|>", Special::Parse), (Ids{ImEnd, ImEnd}));
  EXPECT_EQ(t.encode("<think>>>", Special::Parse), (Ids{ThinkMore, '>'}));
  EXPECT_EQ(t.encode("<<think>", Special::Parse), (Ids{'<', Think}));
  EXPECT_EQ(t.encode("{{{{{", Special::Parse), (Ids{Braces3, Braces2}));
  EXPECT_EQ(t.encode("{{{{", Special::Parse), (Ids{Braces3, '{'}));
  EXPECT_EQ(t.encode("<|im_end|", Special::Parse), t.encode("<|im_end|", Special::Plain));
  EXPECT_EQ(t.encode("<|im_en<|im_end|>", Special::Parse).back(), ImEnd);
  EXPECT_EQ(t.encode("<", Special::Parse), Ids{'<'}) << "unused tokens are not special";
}

TEST(Tokenizer, SpecialTokensCutTheTextBeforeAnythingElse) {
  const Tokenizer t(english("qwen2"));
  // Each piece is normalised and split alone: the mark does not reach the '>', the spaces are not seen as one run.
  EXPECT_EQ(t.decode(t.encode("<think>\u0338", Special::Parse)), "<think>\u0338");
  EXPECT_EQ(t.decode(t.encode("<think>\u0338", Special::Plain)), "<think\u226F");
  EXPECT_EQ(t.encode("  <think>  hello", Special::Parse), (Ids{TwoSpaces, Think, ' ', SpaceHello}));
}

TEST(TokenizerPieces, SpecialTokensComeOutOfSpecialPiecesAlone) {
  const Tokenizer t(english("qwen2"));
  const std::vector<Piece> pieces = {{"<|im_start|>", true}, {"<|im_end|>", false}, {"<|im_end|>", true}};
  Ids expected = {ImStart};
  for (const Token id : t.encode("<|im_end|>", Special::Plain)) expected.push_back(id);
  expected.push_back(ImEnd);
  EXPECT_EQ(t.encode(pieces), expected);
}

TEST(TokenizerPieces, NeitherBordersNorNeighboursMakeOne) {
  const Tokenizer t(english("qwen2"));
  for (const std::vector<Piece>& pieces : {std::vector<Piece>{{"<|im_", true}, {"end|>", true}},
                                           {{"<|im_", true}, {"end", false}, {"|>", true}},
                                           {{"<|im_end", false}, {"|>", true}}}) {
    EXPECT_EQ(t.encode(pieces), t.encode("<|im_end|>", Special::Plain));
  }
}

TEST(TokenizerPieces, TextIsOneAcrossBorders) {
  for (const char* pre : {"qwen2", "gpt-2", "llama-bpe"}) {
    const Tokenizer t(english(pre));
    EXPECT_EQ(t.encode(std::vector<Piece>{{"He", true}, {"l", false}, {"lo", true}}),
              t.encode("Hello", Special::Plain));
    EXPECT_EQ(t.encode(std::vector<Piece>{{"user\n", true}, {"\nx", false}}), t.encode("user\n\nx", Special::Plain));
    EXPECT_EQ(t.encode(std::vector<Piece>{{"e", true}, {"\xcc\x81", false}}), t.encode("e\xcc\x81", Special::Plain));
    EXPECT_EQ(t.encode(std::vector<Piece>{}), Ids());
  }
}

TEST(TokenizerPieces, EqualTheWholeWhereTextHoldsNoSpecialToken) {
  std::mt19937 random(7);
  const Tokenizer t(english("qwen2"));
  const std::string parts[] = {"Hello", " Hello",    "<|im_start|>", "<|im_end|>", "<think>",
                               "\n\n",  "e\xcc\x81", "  ",           "x"};
  for (int round = 0; round < 2000; ++round) {
    std::vector<Piece> pieces;
    std::string whole;
    for (unsigned n = random() % 8; n > 0; --n) {
      const std::string& part = parts[random() % std::size(parts)];
      pieces.push_back({part, part[0] == '<' || random() % 2 == 0});
      whole += part;
    }
    ASSERT_EQ(t.encode(pieces), t.encode(whole, Special::Parse)) << whole;
  }
}

TEST(Tokenizer, OnlyQwen2Normalises) {
  EXPECT_EQ(Tokenizer(english("qwen2")).encode("e\u0301", Special::Plain), (Ids{0xC3, 0xA9}));
  EXPECT_EQ(Tokenizer(english("gpt-2")).encode("e\u0301", Special::Plain), (Ids{'e', 0xCC, 0x81}));
  EXPECT_EQ(Tokenizer(english("llama-bpe")).encode("e\u0301", Special::Plain), (Ids{'e', 0xCC, 0x81}));
}

TEST(Tokenizer, MergesCrossCharactersButNotPieces) {
  const Tokenizer t(english("gpt-2"));
  EXPECT_EQ(t.encode("e\u0301", Special::Plain), (Ids{'e', 0xCC, 0x81})) << "e and the mark are two pieces";
  EXPECT_EQ(t.encode(" hello", Special::Plain), Ids{SpaceHello});
  EXPECT_EQ(t.encode("\n\nhe", Special::Plain), (Ids{'\n', '\n', He})) << "gpt-2 leaves the last blank to the word";
  EXPECT_EQ(Tokenizer(english("qwen2")).encode("\n\nhe", Special::Plain), (Ids{TwoNewlines, He}));
}

TEST(Tokenizer, AWholePieceIsLookedUpOnlyWhereItIsTheSame) {
  // "bc" comes first, so merging never makes token 258 "abc" of "abc".
  const std::vector<std::pair<std::string, std::string>> merges = {{"b", "c"}, {"a", "b"}, {"ab", "c"}};
  EXPECT_EQ(Tokenizer(small_vocabulary("qwen2", merges)).encode("abc", Special::Plain), (Ids{'a', 256}));
  EXPECT_EQ(Tokenizer(small_vocabulary("gpt-2", merges)).encode("abc", Special::Plain), (Ids{'a', 256}));
  EXPECT_EQ(Tokenizer(small_vocabulary("llama-bpe", merges)).encode("abc", Special::Plain), Ids{258});
}

TEST(Tokenizer, InvalidUtf8ComesBackByteForByte) {
  std::mt19937 random(3);
  for (const char* pre : {"qwen2", "gpt-2", "llama-bpe"}) {
    const Tokenizer t(english(pre));
    for (const std::string& text :
         {"\xFF"s, "\xC3"s, "e\u0301\xFF"s, "\0\x80\0"s, "\xED\xA0\x80hello"s, "he\xF0\x9F"s}) {
      EXPECT_EQ(t.decode(t.encode(text, Special::Plain)), text) << pre;
    }
    for (int round = 0; round < 300; ++round) {
      std::string text = "\xFF";
      for (size_t n = random() % 60; n > 0; --n) text.push_back(static_cast<char>(random()));
      EXPECT_EQ(t.decode(t.encode(text, Special::Plain)), text) << pre;
      EXPECT_EQ(t.decode(t.encode(text, Special::Parse)), text) << pre;
    }
  }
}

TEST(Tokenizer, TokensTellTheirBytesAndKind) {
  Vocabulary v = english("qwen2");
  v.tokens.push_back("\u0120\u4E2D");  // a character outside the alphabet: the token is its UTF-8
  v.kinds.push_back(Kind::Normal);
  const Token odd = static_cast<Token>(v.tokens.size()) - 1;
  const Tokenizer t(v);
  EXPECT_EQ(t.bytes(SpaceHello), " hello");
  EXPECT_EQ(t.bytes(byte('\xFF')), "\xFF");
  EXPECT_EQ(t.bytes(0), "\0"s);
  EXPECT_EQ(t.bytes(ImStart), "<|im_start|>");
  EXPECT_EQ(t.bytes(odd), "\u0120\u4E2D");
  EXPECT_EQ(t.kind(Hello), Kind::Normal);
  EXPECT_EQ(t.kind(ImEnd), Kind::Control);
  EXPECT_EQ(t.kind(Think), Kind::UserDefined);
  EXPECT_EQ(t.kind(Less), Kind::Unused);
  EXPECT_EQ(t.size(), v.tokens.size());
  EXPECT_EQ(t.pre(), "qwen2");
}

TEST(Tokenizer, IdsOutsideTheVocabularyHaveNoBytes) {
  const Tokenizer t(english("qwen2"));
  EXPECT_FALSE(t.valid(-1));
  EXPECT_FALSE(t.valid(static_cast<Token>(t.size())));
  EXPECT_TRUE(t.valid(static_cast<Token>(t.size()) - 1));
  EXPECT_EQ(t.bytes(-1), "");
  EXPECT_EQ(t.decode(Ids{Hello, static_cast<Token>(t.size()), INT32_MAX}), "hello");
}

TEST(Tokenizer, DecodeLeavesControlTokensOutWhenAsked) {
  const Tokenizer t(english("qwen2"));
  const Ids ids = {ImStart, Think, Hello, ImEnd};
  EXPECT_EQ(t.decode(ids), "<|im_start|><think>hello<|im_end|>");
  EXPECT_EQ(t.decode(ids, true), "<think>hello");
}

TEST(Tokenizer, FindsSpecialTokensByText) {
  const Tokenizer t(english("qwen2"));
  EXPECT_EQ(t.find_special("<|im_end|>"), ImEnd);
  EXPECT_EQ(t.find_special("<think>"), Think);
  EXPECT_EQ(t.find_special("hello"), -1);
  EXPECT_EQ(t.find_special("<"), -1);
  EXPECT_EQ(t.find_special(""), -1);
}

TEST(Tokenizer, CanBeMoved) {
  Tokenizer a(english("qwen2"));
  Tokenizer b(std::move(a));
  EXPECT_EQ(b.encode("hello", Special::Plain), Ids{Hello});
  a = std::move(b);
  EXPECT_EQ(a.encode("hello", Special::Plain), Ids{Hello});
}

TEST(Tokenizer, RefusesAnUnknownPreTokenizerByName) {
  const std::string what = error_of(ErrorCode::UnsupportedOperation, [] { Tokenizer(english("deepseek-llm")); });
  EXPECT_NE(what.find("\"deepseek-llm\""), what.npos) << what;
  EXPECT_NE(what.find("qwen2, gpt-2, llama-bpe"), what.npos) << what;
}

TEST(Tokenizer, RefusesVocabulariesThatCannotWork) {
  const auto error_with = [](auto change) {
    Vocabulary v = english("qwen2");
    change(v);
    return error_of(ErrorCode::BadModel, [&] { Tokenizer t(v); });
  };
  const auto expect_in = [](const std::string& part, const std::string& what) {
    EXPECT_NE(what.find(part), what.npos) << what;
  };
  expect_in("token types", error_with([](Vocabulary& v) { v.kinds.pop_back(); }));
  expect_in("byte 0x41", error_with([](Vocabulary& v) { v.tokens['A'] = "xyz"; }));
  expect_in("byte 0x41", error_with([](Vocabulary& v) { v.kinds['A'] = Kind::Control; }));
  expect_in("byte 0x00", error_with([](Vocabulary& v) {
              v.tokens.clear();
              v.kinds.clear();
            }));
  expect_in("merge 9 is \"q z\" but \"qz\"", error_with([](Vocabulary& v) { v.merges.push_back("q z"); }));
  expect_in("\"nope\"", error_with([](Vocabulary& v) { v.merges.push_back("nope h"); }));
  expect_in("merge 0 is \"he\"", error_with([](Vocabulary& v) { v.merges[0] = "he"; }));
  expect_in("merge 0 is \" h\"", error_with([](Vocabulary& v) { v.merges[0] = " h"; }));
  expect_in("merge 0 is \"h \"", error_with([](Vocabulary& v) { v.merges[0] = "h "; }));
  expect_in("merge 0 is \"\"", error_with([](Vocabulary& v) { v.merges[0] = ""; }));
  expect_in("\"ll\" is no normal token", error_with([](Vocabulary& v) { v.kinds[Ll] = Kind::Unused; }));
}

TEST(Tokenizer, WithoutKindsAllTokensAreNormal) {
  Vocabulary v = english("qwen2");
  v.kinds.clear();
  const Tokenizer t(v);
  EXPECT_EQ(t.kind(ImEnd), Kind::Normal);
  EXPECT_EQ(t.find_special("<|im_end|>"), -1);
}

}  // namespace
}  // namespace apr::tokenizer
