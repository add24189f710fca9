#include "chat/messages.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace apr::chat {
namespace {

Json json(const char* text) { return Json::parse(text); }

std::string refusal(const char* text) {
  try {
    normalise(json(text));
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::BadInput);
    return e.what();
  }
  return "accepted";
}

TEST(Messages, PlainOnesStayAsTheyAre) {
  const Json messages = json(R"([{"role":"system","content":"S"},{"role":"user","content":"U"},
    {"role":"assistant","content":"A","reasoning_content":"because"},{"role":"tool","tool_call_id":"c1","content":"R"}])");
  const Messages m = normalise(messages);
  EXPECT_EQ(m.list.dump(), messages.dump());
  EXPECT_TRUE(m.notes.empty());
}

TEST(Messages, PartsAreJoined) {
  const Messages m = normalise(
      json(R"([{"role":"user","content":[{"type":"text","text":"one"},{"type":"input_text","text":"two"},"three"]}])"));
  EXPECT_EQ(m.list[0]["content"], "one\ntwo\nthree");
}

TEST(Messages, NoContentIsTheEmptyText) {
  const Messages m =
      normalise(json(R"([{"role":"assistant","content":null},{"role":"assistant"},{"role":"user","content":[]}])"));
  for (const Json& message : m.list) EXPECT_EQ(message["content"], "");
}

TEST(Messages, RolesOfOtherNames) {
  const Messages m =
      normalise(json(R"([{"role":"developer","content":"D"},{"role":"function","name":"f","content":"R"}])"));
  EXPECT_EQ(m.list[0]["role"], "system");
  EXPECT_EQ(m.list[1]["role"], "tool");
  EXPECT_EQ(m.list[1]["name"], "f");
}

TEST(Messages, ArgumentsAsTextBecomeTheirObjectInItsOrder) {
  const Messages m = normalise(json(R"([{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
    "function":{"name":"f","arguments":"{\"z\":1,\"a\":2.0,\"n\":null}"}}]}])"));
  EXPECT_EQ(m.list[0]["tool_calls"][0]["function"]["arguments"].dump(), R"({"z":1,"a":2.0,"n":null})");
  EXPECT_EQ(m.list[0]["tool_calls"][0]["id"], "c1");
}

TEST(Messages, NoArgumentsAreAnEmptyObject) {
  for (const char* arguments : {R"("")", R"(" \n")", "null", "{}"}) {
    const Messages m = normalise(Json::array(
        {{{"role", "assistant"},
          {"tool_calls", Json::array({{{"function", {{"name", "f"}, {"arguments", json(arguments)}}}}})}}}));
    EXPECT_EQ(m.list[0]["tool_calls"][0]["function"]["arguments"].dump(), "{}") << arguments;
    EXPECT_EQ(m.list[0]["tool_calls"][0]["type"], "function");
  }
}

TEST(Messages, ArgumentsThatAreNoObjectAreKeptWithANote) {
  for (const char* text : {"{\"path\": \"a", "[1,2]", "seven"}) {
    const Messages m = normalise(
        Json::array({{{"role", "assistant"}, {"tool_calls", Json::array({{{"name", "f"}, {"arguments", text}}})}}}));
    EXPECT_EQ(m.list[0]["tool_calls"][0]["function"]["arguments"]["arguments"], text);
    ASSERT_EQ(m.notes.size(), 1u);
    EXPECT_NE(m.notes[0].find("messages[0].tool_calls[0]"), std::string::npos);
  }
}

TEST(Messages, NoCallsAreNoField) {
  const Messages m = normalise(json(
      R"([{"role":"assistant","content":"A","tool_calls":[]},{"role":"assistant","content":"B","tool_calls":null}])"));
  EXPECT_FALSE(m.list[0].contains("tool_calls"));
  EXPECT_FALSE(m.list[1].contains("tool_calls"));
}

TEST(Messages, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(refusal("{}"), "messages: found object, expected a list of messages");
  EXPECT_NE(refusal(R"(["hi"])").find("messages[0]: found string"), std::string::npos);
  EXPECT_NE(refusal(R"([{"content":"x"}])").find("messages[0].role: missing"), std::string::npos);
  EXPECT_NE(refusal(R"([{"role":"robot","content":"x"}])").find("\"robot\""), std::string::npos);
  EXPECT_NE(refusal(R"([{"role":"user","content":7}])").find("messages[0].content: found number"), std::string::npos);
  EXPECT_NE(refusal(R"([{"role":"user","content":[{"type":"image_url","image_url":{}}]}])")
                .find("messages[0].content[0].type: found \"image_url\""),
            std::string::npos);
  EXPECT_NE(refusal(R"([{"role":"assistant","tool_calls":[{"function":{}}]}])")
                .find("messages[0].tool_calls[0].function.name: missing"),
            std::string::npos);
  EXPECT_NE(refusal(R"([{"role":"assistant","tool_calls":7}])").find("messages[0].tool_calls: found number"),
            std::string::npos);
  EXPECT_NE(
      refusal(R"([{"role":"assistant","tool_calls":[{"name":"f","arguments":7}]}])").find("arguments: found number"),
      std::string::npos);
}

std::string merged(const char* text) {
  std::string out;
  for (const Json& m : merge_turns(normalise(json(text)).list))
    out += m["role"].get<std::string>()[0] + (":" + m["content"].get<std::string>()) + "|";
  return out;
}

TEST(MergeTurns, LateSystemMessagesJoinTheUsersNextOne) {
  EXPECT_EQ(merged(R"([{"role":"system","content":"S"},{"role":"user","content":"1"},{"role":"assistant","content":"A"},
    {"role":"system","content":"remember"},{"role":"user","content":"2"}])"),
            "s:S|u:1|a:A|u:remember\n\n2|");
}

TEST(MergeTurns, OrTheOneBefore) {
  EXPECT_EQ(
      merged(R"([{"role":"user","content":"1"},{"role":"system","content":"x"},{"role":"system","content":"y"}])"),
      "u:1\n\nx\n\ny|");
  EXPECT_EQ(
      merged(R"([{"role":"user","content":"1"},{"role":"assistant","content":"A"},{"role":"system","content":"x"}])"),
      "u:1|a:A|u:x|");
}

TEST(MergeTurns, SeveralKeepTheirOrder) {
  EXPECT_EQ(merged(R"([{"role":"user","content":"1"},{"role":"assistant","content":"A"},{"role":"system","content":"x"},
    {"role":"system","content":"y"},{"role":"user","content":"2"}])"),
            "u:1|a:A|u:x\n\ny\n\n2|");
}

TEST(MergeTurns, NeighboursOfOneRoleBecomeOneButToolResultsDoNot) {
  EXPECT_EQ(
      merged(
          R"([{"role":"system","content":"a"},{"role":"system","content":"b"},{"role":"user","content":"1"},{"role":"user","content":""},
    {"role":"user","content":"2"},{"role":"tool","content":"r"},{"role":"tool","content":"s"}])"),
      "s:a\n\nb|u:1\n\n2|t:r|t:s|");
}

TEST(MergeTurns, CallsAreNeverMerged) {
  const Json messages =
      normalise(json(R"([{"role":"user","content":"1"},{"role":"assistant","content":"A","tool_calls":[{"name":"f"}]},
    {"role":"assistant","content":"B"}])"))
          .list;
  EXPECT_EQ(merge_turns(messages).dump(), messages.dump());
}

}  // namespace
}  // namespace apr::chat
