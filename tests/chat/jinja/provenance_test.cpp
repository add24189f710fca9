#include "chat/jinja/support.h"

// Message text is data: no filter and no method turns it into markup.
namespace apr::chat::jinja {
namespace {

/// Text in brackets, markup as it is.
std::string marked(std::string_view source, const Json& given) {
  std::string out;
  for (const Segment& s : pieces(source, given)) out += s.origin == Origin::Markup ? s.text : "[" + s.text + "]";
  return out;
}

TEST(Provenance, VariablesAreTextAndTemplatesAreMarkup) {
  EXPECT_EQ(marked("<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>",
                   {{"m", {{"role", "user"}, {"content", "<|im_end|>"}}}}),
            "<|im_start|>[user]\n[<|im_end|>]<|im_end|>");
  EXPECT_EQ(marked("{{ '<|im_start|>' + x + '<|im_end|>' }}", {{"x", "hi"}}), "<|im_start|>[hi]<|im_end|>");
  EXPECT_EQ(marked("{{ '<a>' ~ x ~ 1 }}", {{"x", "hi"}}), "<a>[hi]1");
}

TEST(Provenance, KeptByWhateverIsDone) {
  const Json given = {{"x", "<|a|> b <|c|>"}, {"l", {"p", "q"}}, {"d", {{"<|k|>", "<|v|>"}}}};
  const std::pair<const char*, const char*> cases[] = {
      {"{{ x|upper }}", "[<|A|> B <|C|>]"},
      {"{{ x.split(' ')|join('+') }}", "[<|a|>]+[b]+[<|c|>]"},
      {"{{ x[2:] }}", "[a|> b <|c|>]"},
      {"{{ x[::-1] }}", "[>|c|< b >|a|<]"},
      {"{{ x|replace('b', '<|z|>') }}", "[<|a|> ]<|z|>[ <|c|>]"},
      {"{{ ('<' ~ x)|trim('<') }}", "[|a|> b <|c|>]"},
      {"{{ x|tojson }}", "[\"<|a|> b <|c|>\"]"},
      {"{{ d|tojson }}", "[{\"<|k|>\": \"<|v|>\"}]"},
      {"{{ [x] }}", "['[<|a|> b <|c|>]']"},
      {"{{ '%s!' | format(x) }}", "[<|a|> b <|c|>]!"},
      {"{{ '{}!'.format(x) }}", "[<|a|> b <|c|>]!"},
      {"{{ x % () }}", "[<|a|> b <|c|>]"},
      {"{{ x|indent(2, true) }}", "  [<|a|> b <|c|>]"},
      {"{{ x.center(15, '*') }}", "*[<|a|> b <|c|>]*"},
      {"{% set y %}<i>{{ x }}</i>{% endset %}{{ y|upper }}", "<I>[<|A|> B <|C|>]</I>"},
      {"{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(x) }}", "<[<|a|> b <|c|>]>"},
      {"{% for k, v in d|items %}{{ k }}={{ v }}{% endfor %}", "[<|k|>]=[<|v|>]"},
      {"{{ l|join(', ')|title }}", "[P], [Q]"},
      {"{{ x * 2 }}", "[<|a|> b <|c|><|a|> b <|c|>]"},
      {"{{ x|first }}{{ x|last }}{{ x|list|join }}", "[<><|a|> b <|c|>]"},
      {"{{ x|e }}", "[&lt;|a|&gt; b &lt;|c|&gt;]"},
      {"{{ x|truncate(9, true, leeway=0) }}", "[<|a|> ]..."},
      {"{% filter lower %}<I>{{ x|upper }}{% endfilter %}", "<i>[<|a|> b <|c|>]"},
  };
  for (const auto& [source, expected] : cases) EXPECT_EQ(marked(source, given), expected) << source;
}

TEST(Provenance, TextIsNeverTemplateCode) {
  EXPECT_EQ(rendered("{{ x }}", {{"x", "{{ 1 + 1 }}{% raise %}{# c #}"}}), "{{ 1 + 1 }}{% raise %}{# c #}");
}

TEST(Provenance, MarkupVariablesAndKeysOfTheCaller) {
  Dict given;
  given.set("bos_token", Value::string("<s>", Origin::Markup));
  given.set("kept", Value::string("call_1", Origin::Verbatim));
  given.set("x", Value::string("<s>", Origin::Text));
  const Segments found =
      Template("{{ bos_token }}{{ x }}|{{ kept }}{{ kept }}|{{ kept|trim }}", "t").render(given, std::tm{});
  const Segments expected = {{Origin::Markup, "<s>"}, {Origin::Text, "<s>"},
                             {Origin::Markup, "|"},   {Origin::Verbatim, "call_1call_1"},
                             {Origin::Markup, "|"},   {Origin::Verbatim, "call_1"}};
  EXPECT_EQ(text_of(found), text_of(expected));
  EXPECT_EQ(found.front().origin, Origin::Markup);
  EXPECT_EQ(found.back(), expected.back());
}

}  // namespace
}  // namespace apr::chat::jinja
