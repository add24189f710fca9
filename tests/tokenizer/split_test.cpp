#include "tokenizer/split.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace apr::tokenizer {
namespace {

using namespace std::string_literals;

std::string join_pieces(std::string_view pre, std::string_view text) {
  const PreTokenizer* row = find_pre_tokenizer(pre);
  std::string joined;
  while (!text.empty()) {
    const size_t length = row->first_piece(text);
    if (length == 0 || length > text.size())
      return joined.append("|(length ").append(std::to_string(length)).append(")");
    if (!joined.empty()) joined += '|';
    joined += text.substr(0, length);
    text.remove_prefix(length);
  }
  return joined;
}

/// The pieces, with '|' between them. The expectations come from the published regular expressions, run by a regex
/// engine with the categories of Python's unicodedata.
struct Case {
  std::string text, qwen2, gpt2, llama;
};

const Case kCases[] = {
    {"", "", "", ""},
    {"a", "a", "a", "a"},
    {"Hello, world!", "Hello|,| world|!", "Hello|,| world|!", "Hello|,| world|!"},
    {"Hello world", "Hello| world", "Hello| world", "Hello| world"},
    {"  Hello", " | Hello", " | Hello", " | Hello"},
    {"   x", "  | x", "  | x", "  | x"},
    {" \n x", " \n| x", " \n| x", " \n| x"},
    {"a  b", "a| | b", "a| | b", "a| | b"},
    {"a \nb", "a| \n|b", "a| |\n|b", "a| \n|b"},
    {"a\n b", "a|\n| b", "a|\n| b", "a|\n| b"},
    {"a \n b", "a| \n| b", "a| \n| b", "a| \n| b"},
    {"a  \n  b", "a|  \n| | b", "a|  \n | b", "a|  \n| | b"},
    {"\n\nEnd", "\n\n|End", "\n|\n|End", "\n\n|End"},
    {"a\r\n\r\n  b", "a|\r\n\r\n| | b", "a|\r\n\r\n | b", "a|\r\n\r\n| | b"},
    {"\r\n\r\n\r\n", "\r\n\r\n\r\n", "\r\n\r\n\r\n", "\r\n\r\n\r\n"},
    {"x\r\n\ty", "x|\r\n|\ty", "x|\r\n|\t|y", "x|\r\n|\ty"},
    {"\t\treturn 1;\n", "\t|\treturn| |1|;\n", "\t|\t|return| 1|;|\n", "\t|\treturn| |1|;\n"},
    {"end   ", "end|   ", "end|   ", "end|   "},
    {"end \n ", "end| \n| ", "end| \n ", "end| \n| "},
    {"end \n", "end| \n", "end| \n", "end| \n"},
    {"\n \n \n", "\n \n \n", "\n \n \n", "\n \n \n"},
    {"  \t\n \tz", "  \t\n| |\tz", "  \t\n |\t|z", "  \t\n| |\tz"},
    {"1234567", "1|2|3|4|5|6|7", "1234567", "123|456|7"},
    {"v1.25 x12345", "v|1|.|2|5| x|1|2|3|4|5", "v|1|.|25| x|12345", "v|1|.|25| x|123|45"},
    {" 12", " |1|2", " 12", " |12"},
    {"½²Ⅷ\u0663४१२３４", "½|²|Ⅷ|\u0663|४|१|२|３|４", "½²Ⅷ\u0663४१२３４", "½²Ⅷ|\u0663४१|२３４"},
    {"abc123def", "abc|1|2|3|def", "abc|123|def", "abc|123|def"},
    {"I'm you're we've they'll he'd it's don't", "I|'m| you|'re| we|'ve| they|'ll| he|'d| it|'s| don|'t",
     "I|'m| you|'re| we|'ve| they|'ll| he|'d| it|'s| don|'t", "I|'m| you|'re| we|'ve| they|'ll| he|'d| it|'s| don|'t"},
    {"I'M YOU'RE WE'VE THEY'LL HE'D IT'S DON'T", "I|'M| YOU|'RE| WE|'VE| THEY|'LL| HE|'D| IT|'S| DON|'T",
     "I|'|M| YOU|'|RE| WE|'|VE| THEY|'|LL| HE|'|D| IT|'|S| DON|'|T",
     "I|'M| YOU|'RE| WE|'VE| THEY|'LL| HE|'D| IT|'S| DON|'T"},
    {"I'm YOU'Re 'Ll 'lL", "I|'m| YOU|'Re| '|Ll| '|lL", "I|'m| YOU|'|Re| '|Ll| '|lL", "I|'m| YOU|'Re| '|Ll| '|lL"},
    {"x'\u017ftop '\u017f", "x|'\u017f|top| '|\u017f", "x|'|\u017ftop| '|\u017f", "x|'\u017f|top| '|\u017f"},
    {"'x 'sx ''s", "'x| '|sx| ''|s", "'|x| '|sx| ''|s", "'x| '|sx| ''|s"},
    {"'", "'", "'", "'"},
    {"'l", "'l", "'|l", "'l"},
    {"'r", "'r", "'|r", "'r"},
    {"'ve", "'ve", "'ve", "'ve"},
    {"'v e", "'v| e", "'|v| e", "'v| e"},
    {"a's'd'll", "a|'s|'d|'ll", "a|'s|'d|'ll", "a|'s|'d|'ll"},
    {"\u2019s", "\u2019s", "\u2019|s", "\u2019s"},
    {"foo(bar)[i]", "foo|(bar|)[|i|]", "foo|(|bar|)[|i|]", "foo|(bar|)[|i|]"},
    {"!!!\n\n\nx", "!!!\n\n\n|x", "!!!|\n\n|\n|x", "!!!\n\n\n|x"},
    {" ...\r\n", " ...\r\n", " ...|\r\n", " ...\r\n"},
    {" +=-1", " +=-|1", " +=-|1", " +=-|1"},
    {"x == y", "x| ==| y", "x| ==| y", "x| ==| y"},
    {"{\n\n}", "{\n\n|}", "{|\n|\n|}", "{\n\n|}"},
    {"#include <x>\n", "#include| <|x|>\n", "#|include| <|x|>|\n", "#include| <|x|>\n"},
    {"a_b", "a|_b", "a|_|b", "a|_b"},
    {"$x", "$x", "$|x", "$x"},
    {"\t$x", "\t|$x", "\t|$|x", "\t|$x"},
    {"\n$x", "\n|$x", "\n|$|x", "\n|$x"},
    {"\nx", "\n|x", "\n|x", "\n|x"},
    {"\rx", "\r|x", "\r|x", "\r|x"},
    {"\013x", "\013x", "\013|x", "\013x"},
    {" \u00a0x", " |\u00a0x", " |\u00a0|x", " |\u00a0x"},
    {"\u00a0x", "\u00a0x", "\u00a0|x", "\u00a0x"},
    {"\u3000中文", "\u3000中文", "\u3000|中文", "\u3000中文"},
    {"a\u2028b", "a|\u2028b", "a|\u2028|b", "a|\u2028b"},
    {"\u2028\n\u2029", "\u2028\n|\u2029", "\u2028\n\u2029", "\u2028\n|\u2029"},
    {"\u0085x", "\u0085x", "\u0085|x", "\u0085x"},
    {"a\u200bb", "a|\u200bb", "a|\u200b|b", "a|\u200bb"},
    {"\ufeffx", "\ufeffx", "\ufeff|x", "\ufeffx"},
    {"\u180ex", "\u180ex", "\u180e|x", "\u180ex"},
    {"é", "é", "é", "é"},
    {"e\u0301x", "e|\u0301x", "e|\u0301|x", "e|\u0301x"},
    {"\u0301x", "\u0301x", "\u0301|x", "\u0301x"},
    {"a \u0301", "a| \u0301", "a| \u0301", "a| \u0301"},
    {"नमस\u094dत\u0947", "नमस|\u094dत|\u0947", "नमस|\u094d|त|\u0947", "नमस|\u094dत|\u0947"},
    {"ท\u0e35\u0e48น\u0e35\u0e48", "ท|\u0e35\u0e48|น|\u0e35\u0e48", "ท|\u0e35\u0e48|น|\u0e35\u0e48",
     "ท|\u0e35\u0e48|น|\u0e35\u0e48"},
    {"가\u11a7각", "가\u11a7각", "가\u11a7각", "가\u11a7각"},
    {"中文\uff0c日本語\u3002", "中文|\uff0c日本語|\u3002", "中文|\uff0c|日本語|\u3002", "中文|\uff0c日本語|\u3002"},
    {"\U0001f600\U0001f603 \U0001f468\u200d\U0001f469", "\U0001f600\U0001f603| \U0001f468\u200d\U0001f469",
     "\U0001f600\U0001f603| \U0001f468\u200d\U0001f469", "\U0001f600\U0001f603| \U0001f468\u200d\U0001f469"},
    {"\ue000x\U000f0000y", "\ue000x|\U000f0000y", "\ue000|x|\U000f0000|y", "\ue000x|\U000f0000y"},
    {"\u0378x \u0378", "\u0378x| \u0378", "\u0378|x| \u0378", "\u0378x| \u0378"},
    {"\000a\000"s, "\000a|\000"s, "\000|a|\000"s, "\000a|\000"s},
    {"\001\002 \037\177", "\001\002| \037\177", "\001\002| \037\177", "\001\002| \037\177"},
    {"ǅᾈ\u02b0ªº", "ǅᾈ\u02b0ªº", "ǅᾈ\u02b0ªº", "ǅᾈ\u02b0ªº"},
    {"_ _ \t_ _", "_| _| |\t|_| _", "_| _| |\t|_| _", "_| _| |\t|_| _"},
    {"a.b.c", "a|.b|.c", "a|.|b|.|c", "a|.b|.c"},
    {" 1 a", " |1| a", " 1| a", " |1| a"},
    {"  1", " | |1", " | 1", " | |1"},
    {"   1234", "  | |1|2|3|4", "  | 1234", "  | |123|4"},
    {" \t1", " |\t|1", " |\t|1", " |\t|1"},
    {"\u3000\u30001", "\u3000|\u3000|1", "\u3000|\u3000|1", "\u3000|\u3000|1"},
    {"\u0661\u0662\u0663\u0664", "\u0661|\u0662|\u0663|\u0664", "\u0661\u0662\u0663\u0664",
     "\u0661\u0662\u0663|\u0664"},
    {"x\u0308\u0308y", "x|\u0308\u0308|y", "x|\u0308\u0308|y", "x|\u0308\u0308|y"},
    {" \u0308y", " \u0308|y", " \u0308|y", " \u0308|y"},
    {"\r\n.", "\r\n|.", "\r|\n|.", "\r\n|."},
    {"\n.\n.", "\n|.\n|.", "\n|.|\n|.", "\n|.\n|."},
    {" .\n \n.", " .\n| \n|.", " .|\n |\n|.", " .\n| \n|."},
    {"'\u017f\u017f", "'\u017f|\u017f", "'|\u017f\u017f", "'\u017f|\u017f"},
    {"can'T'S", "can|'T|'S", "can|'|T|'|S", "can|'T|'S"},
    {"'RE're", "'RE|'re", "'|RE|'re", "'RE|'re"},
    {"'REa", "'RE|a", "'|REa", "'RE|a"},
};

TEST(Split, EveryCaseAsTheRegularExpressionsCut) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(testing::PrintToString(c.text));
    EXPECT_EQ(join_pieces("qwen2", c.text), c.qwen2);
    EXPECT_EQ(join_pieces("gpt-2", c.text), c.gpt2);
    EXPECT_EQ(join_pieces("llama-bpe", c.text), c.llama);
  }
}

TEST(Split, InvalidUtf8IsASymbolPerMaximalSubpart) {
  // E2 82 could become U+20AC, so it is one symbol and may lead a word; FF FF are two.
  EXPECT_EQ(join_pieces("qwen2",
                        "\xE2\x82"
                        "abc"),
            "\xE2\x82"
            "abc");
  EXPECT_EQ(join_pieces("qwen2",
                        "\xFF\xFF"
                        "abc"),
            "\xFF\xFF|abc");
  EXPECT_EQ(join_pieces("gpt-2", "a \xC0\xAF\nb"), "a| \xC0\xAF|\n|b");
  EXPECT_EQ(join_pieces("llama-bpe", "\xED\xA0\x80 1"), "\xED\xA0\x80| |1");
  EXPECT_EQ(join_pieces("qwen2", "'\xC5"), "'\xC5");
  EXPECT_EQ(join_pieces("qwen2", "x\xF4\x90\x80\x80"), "x|\xF4\x90\x80\x80");
}

TEST(Split, MillionsOfCharactersOfOneKindAreLinear) {
  // A quadratic or recursive splitter would not come back from these.
  for (const PreTokenizer& row : pre_tokenizers()) {
    for (const std::string& unit : {" "s, "\n"s, " \n"s, "a"s, "."s, "1"s, "'"s, "\xFF"s, "\u3000"s, "\u0301"s}) {
      std::string text;
      while (text.size() < 2'000'000) text += unit;
      size_t done = 0;
      while (done < text.size()) done += row.first_piece(std::string_view(text).substr(done));
      EXPECT_EQ(done, text.size()) << row.name;
    }
  }
}

TEST(Split, UnknownNamesHaveNoRow) {
  EXPECT_EQ(find_pre_tokenizer("qwen35"), nullptr);
  EXPECT_EQ(find_pre_tokenizer(""), nullptr);
  EXPECT_EQ(pre_tokenizers().size(), 3u);
}

}  // namespace
}  // namespace apr::tokenizer
