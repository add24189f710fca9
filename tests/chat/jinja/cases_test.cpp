#include <filesystem>

#include "chat/jinja/support.h"

namespace apr::chat::jinja {
namespace {

/// What Python's Jinja2 made of each template (make_cases.py).
TEST(Jinja, DoesWhatPythonsDoes) {
  const std::vector<Json> lines = json_lines(APR_SOURCE_DIR "/tests/chat/jinja/jinja2_cases.jsonl");
  ASSERT_GT(lines.size(), 200u);
  const Json given = lines[0]["variables"];
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::string source = lines[i]["template"];
    SCOPED_TRACE(source);
    if (lines[i].contains("rendered")) {
      EXPECT_NO_THROW(EXPECT_EQ(rendered(source, given), lines[i]["rendered"].get<std::string>()));
    } else {
      EXPECT_THROW(rendered(source, given), Error);
    }
  }
}

/// The published templates of many models, with conversations of all kinds.
TEST(ChatTemplates, RenderAsTransformersDoes) {
  const std::string folder = APR_SHARED_DIR "/data/templates/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const std::vector<Json> lines = json_lines(folder + "cases.jsonl");
  ASSERT_GE(lines.size(), 245u);
  for (const Json& line : lines) {
    const std::string file = line["template"];
    SCOPED_TRACE(file + ": " + line["name"].get<std::string>());
    std::ifstream in(folder + file, std::ios::binary);
    const std::string source{std::istreambuf_iterator<char>(in), {}};
    Setting setting;
    setting.tools = line["tools"];
    setting.add_generation_prompt = line["add_generation_prompt"];
    setting.extra = line["extra"];
    setting.bos_token = setting.extra.value("bos_token", "");
    setting.eos_token = setting.extra.value("eos_token", "");
    if (line.contains("now")) strptime(line["now"].get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%S", &setting.now);
    std::string found, refused;
    try {
      found = text_of(render(Template(source, file), line["messages"], setting));
    } catch (const Refusal& r) {
      refused = r.message();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::Template);
      refused = "engine";
    }
    if (line.contains("rendered")) {
      EXPECT_EQ(refused, "");
      EXPECT_EQ(found, line["rendered"].get<std::string>());
    } else {
      EXPECT_EQ(refused, line["error_kind"] == "raise_exception" ? line["error"].get<std::string>() : "engine");
    }
  }
}

}  // namespace
}  // namespace apr::chat::jinja
