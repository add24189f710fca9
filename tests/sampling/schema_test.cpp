// JSON Schema: what is let through, what is not, and what is refused with its place.
#include "sampling/grammar/schema.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sampling/grammar/states.h"
#include "sampling/grammar/tool_call.h"

namespace apr::grammar {
namespace {

bool matches(const Rules& rules, std::string_view text) {
  States states(std::make_shared<Program>(rules));
  States::Id state = states.start();
  for (const char c : text) {
    state = states.next(state, uint8_t(c));
    if (state == States::kDead) return false;
  }
  return states.distance(state) == 0;
}

struct Case {
  const char* schema;
  std::vector<const char*> in, out;
};

TEST(Schema, LetsThroughWhatFits) {
  const std::vector<Case> cases = {
      {R"({"type":"integer","minimum":-5,"maximum":123})",
       {"-5", "-1", "0", "9", "10", "99", "123"},
       {"-6", "124", "01", "1.0", "-0", "1000"}},
      {R"({"type":"integer","exclusiveMinimum":9.5,"exclusiveMaximum":12})", {"10", "11"}, {"9", "12"}},
      {R"({"type":"integer","multipleOf":7,"minimum":0})", {"0", "7", "700"}, {"1", "-7", "8"}},
      {R"({"type":"integer","multipleOf":5,"minimum":-12,"maximum":11})", {"-10", "0", "10"}, {"-15", "15", "3"}},
      {R"({"type":"number","minimum":0,"maximum":1})", {"0", "1", "0.5", "0.99", "1.0"}, {"1.1", "-0.1", "2", "1.01"}},
      {R"({"type":"number","exclusiveMinimum":0.25,"maximum":0.375})",
       {"0.26", "0.375", "0.2501", "0.3"},
       {"0.25", "0.250", "0.38", "0.2", "0.3751"}},
      {R"({"type":"number","minimum":-2.5,"maximum":-1.25})",
       {"-2.5", "-2", "-1.25", "-1.9"},
       {"-1.2", "-2.6", "-1", "2"}},
      {R"({"type":"number","minimum":10})", {"10", "11.5", "999"}, {"9.9", "-10"}},
      {R"({"type":"number"})", {"-1", "1.5e-3", "0"}, {"+1", ".5", "1.", "00"}},
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {R"("ab")", R"("é日a")", R"("\n\u00e9")", R"("\ud83d\ude00x")"},
       {R"("a")", R"("abcd")", R"("\ud83d")", "\"a\nb\""}},
      {R"({"type":"string","pattern":"^a.*z$","maxLength":4})", {R"("az")", R"("abcz")"}, {R"("abcdz")", R"("a")"}},
      {R"({"type":"string","pattern":"\"|\\\\"})", {R"("\"")", R"("x\\")"}, {R"("x")"}},
      {R"({"enum":["a",1,null,{"x":[1]}]})", {R"("a")", "1", "null", R"({"x":[1]})"}, {R"("b")", "2"}},
      {R"({"type":"string","enum":["a",1,"bcd"],"minLength":2})", {R"("bcd")"}, {R"("a")", "1"}},
      {R"({"const":true})", {"true"}, {"false"}},
      {R"({"type":["string","null"]})", {"null", R"("")"}, {"1"}},
      {R"({"properties":{"a":{"type":"integer"}},"required":["a"]})",
       {R"({"a":1})", "{ \"a\": 1 }", "{\n  \"a\": 1\n}"},
       {"{}", R"({"b":1})", "[]"}},
      {R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},"required":["b"]})",
       {R"({"b":2})", R"({"a":1,"b":2,"c":3})", R"({"b":2, "c":3})"},
       {R"({"a":1})", R"({"b":2,"a":1})", R"({"b":2,})"}},
      {R"({"type":"object","additionalProperties":{"type":"integer"},"maxProperties":2})",
       {"{}", R"({"x":1})", R"({"x":1,"y":2})"},
       {R"({"x":1,"y":2,"z":3})", R"({"x":"1"})"}},
      {R"({"type":"object","properties":{"ab":{"const":1}},"additionalProperties":{"const":2}})",
       {R"({"ab":1,"a":2,"abc":2})", R"({"":2})"},
       {R"({"ab":2})"}},
      {R"({"type":"object","properties":{"a":{"const":1},"b":{"const":1}},"minProperties":1,"additionalProperties":false})",
       {R"({"a":1})", R"({"b":1})"},
       {"{}"}},
      {R"({"type":"object","propertyNames":{"pattern":"^[a-z]+$"},"additionalProperties":{"const":0}})",
       {R"({"ab":0})"},
       {R"({"A":0})"}},
      {R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":2})",
       {"[1]", "[1, 2]", "[\n  1,\n  2\n]"},
       {"[]", "[1,2,3]"}},
      {R"({"type":"array","prefixItems":[{"const":1},{"const":2}],"items":{"const":3}})",
       {"[]", "[1]", "[1,2]", "[1,2,3,3]"},
       {"[2]", "[1,3]"}},
      {R"({"type":"array","prefixItems":[{"const":1}],"items":false})", {"[]", "[1]"}, {"[1,1]"}},
      {R"({"type":"array","items":{"enum":["a","b"]},"uniqueItems":true})", {"[]", R"(["b","a"])"}, {R"(["a","a"])"}},
      {R"({"allOf":[{"type":"integer","minimum":3},{"maximum":5}]})", {"3", "5"}, {"2", "6"}},
      {R"({"type":"object","properties":{"k":{"type":"string"}},"oneOf":[{"properties":{"k":{"const":"x"},"v":{"type":"integer"}},"required":["k","v"]},{"properties":{"k":{"const":"y"}},"required":["k"]}]})",
       {R"({"k":"x","v":1})", R"({"k":"y"})"},
       {R"({"k":"x"})", R"({"k":"z"})"}},
      {R"({"anyOf":[{"type":"integer"},{"type":"boolean"}]})", {"1", "true"}, {"null"}},
      {R"({"$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t"}}},"$ref":"#/$defs/t"})",
       {"[]", "[[],[[]]]"},
       {"[1]"}},
      {R"({"type":"string","format":"date"})", {R"("2024-02-28")"}, {R"("2024-02-30")", R"("24-02-28")"}},
      {R"({"type":"integer","format":"int64"})", {"1"}, {"1.5"}},
      {R"({"type":"object","properties":{"a":true,"b":false}})", {R"({"a":[null,{"x":1e5}]})", "{}"}, {R"({"b":1})"}},
      {"true", {"1", "{}", R"([{"a":"b"}])"}, {"", "{", "tru"}},
  };
  for (const Case& c : cases) {
    const Rules rules = rules_of_schema(Json::parse(c.schema));
    for (const char* text : c.in) EXPECT_TRUE(matches(rules, text)) << c.schema << " should take " << text;
    for (const char* text : c.out) EXPECT_FALSE(matches(rules, text)) << c.schema << " should not take " << text;
  }
}

TEST(Schema, RefusesWhatItCannotPromise) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"properties":{"x":{"not":{"type":"null"}}}})", "schema/properties/x/not: "},
      {R"({"if":{},"then":{}})", "schema/if: "},
      {R"({"patternProperties":{"^a":{}}})", "schema/patternProperties: "},
      {R"({"items":{"contains":{}}})", "schema/items/contains: "},
      {R"({"type":"string","format":"color"})", "schema/format: "},
      {R"({"type":"number","multipleOf":0.1})", "schema/multipleOf: "},
      {R"({"type":"array","items":{"type":"string"},"uniqueItems":true})", "schema/uniqueItems: "},
      {R"({"oneOf":[{"type":"integer"},{"type":"number"}]})", "schema/oneOf: "},
      {R"({"$ref":"http://example.com/x"})", "schema/$ref: "},
      {R"x({"type":"string","pattern":"(?=a)"})x", "schema/pattern: "},
      {R"({"type":"object","additionalProperties":true,"minProperties":3})", "schema/minProperties: "},
      {R"({"unevaluatedProperties":{"type":"string"}})", "schema/unevaluatedProperties: "},
  };
  for (const auto& [schema, begin] : cases) {
    try {
      Program program(rules_of_schema(Json::parse(schema)));
      FAIL() << schema;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::UnsupportedOperation) << schema << ": " << e.what();
      EXPECT_EQ(std::string(e.what()).rfind(begin, 0), 0u) << e.what();
    }
  }
}

TEST(Schema, SaysWhatIsWrong) {
  for (const char* schema :
       {R"({"type":"text"})", R"({"minLength":-1})", R"({"minLength":"3"})", R"({"properties":[]})",
        R"({"properties":{"a":5}})", R"({"enum":"a"})", R"({"$ref":"#/$defs/none"})", R"({"$ref":"#"})",
        R"({"anyOf":[{"$ref":"#/anyOf/0"}]})", R"([])", R"({"items":[{}]})", R"({"required":[1]})",
        R"({"type":"integer","minimum":5,"maximum":4})", R"({"enum":[]})", "false", R"({"exclusiveMinimum":true})",
        R"x({"pattern":"("})x", R"({"multipleOf":0})"}) {
    try {
      Program program(rules_of_schema(Json::parse(schema)));
      FAIL() << schema;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::BadInput) << schema << ": " << e.what();
    }
  }
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += R"({"items":)";
  deep += "{}" + std::string(5000, '}');
  EXPECT_THROW(rules_of_schema(Json::parse(deep)), Error);
  std::string wide = R"({"allOf":[)";  // 2^30 combinations, none of which comes to an end
  for (int i = 0; i < 30; ++i) wide += R"({"anyOf":[{"minLength":1},{"minLength":2}]},)";
  wide += R"({"anyOf":[false]}]})";
  EXPECT_THROW(rules_of_schema(Json::parse(wide)), Error);
}

TEST(ToolCalls, AreBoundToToolsAndTheirSchemas) {
  const Json edit = Json::parse(
      R"({"type":"object","properties":{"path":{"type":"string"},"line":{"type":"integer"},"all":{"type":"boolean"}},"required":["path"]})");
  const std::vector<CallableTool> tools = {{"edit", &edit, "tools[0]"}, {"list", nullptr, "tools[1]"}};
  const Rules tags = rules_of_calls(tools, CallStyle::Tags);
  const std::string one =
      "<tool_call>\n<function=edit>\n<parameter=path>\na <b> \"c\"\n\n</parameter>\n</function>\n</tool_call>";
  EXPECT_TRUE(matches(tags, one));
  EXPECT_TRUE(matches(tags, one + "\n<tool_call>\n<function=list>\n</function>\n</tool_call>"));
  EXPECT_TRUE(
      matches(tags,
              "<tool_call>\n<function=edit>\n<parameter=path>\nx\n</parameter>\n<parameter=line>\n12\n</parameter>\n"
              "</function>\n</tool_call>"));
  EXPECT_FALSE(matches(tags, "<tool_call>\n<function=edit>\n</function>\n</tool_call>"));
  EXPECT_FALSE(matches(tags, "<tool_call>\n<function=other>\n</function>\n</tool_call>"));
  EXPECT_FALSE(matches(
      tags, "<tool_call>\n<function=edit>\n<parameter=path>\nx</function>\n</parameter>\n</function>\n</tool_call>"));
  EXPECT_FALSE(matches(tags, "hello"));
  const Rules json = rules_of_calls(tools, CallStyle::Json);
  EXPECT_TRUE(
      matches(json, "<tool_call>\n{\"name\": \"edit\", \"arguments\": {\"path\": \"x\", \"line\": 3}}\n</tool_call>"));
  EXPECT_FALSE(matches(json, "<tool_call>\n{\"name\": \"edit\", \"arguments\": {\"line\": 3}}\n</tool_call>"));
  EXPECT_THROW(rules_of_calls({}, CallStyle::Tags), Error);
}

}  // namespace
}  // namespace apr::grammar
