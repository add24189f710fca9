#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/printable.h"
#include "chat/prompt.h"
#include "cli/jsonl.h"
#include "cli/model_template.h"
#include "cli/prompt.h"
#include "cli/verbs.h"
#include "gguf/file.h"

namespace apr::cli {
namespace {

/// "2025-11-05T14:03:09". errors: BadInput
std::tm time_of(const Json& json) {
  const std::string text = json.is_string() ? json.get<std::string>() : to_text(json);
  std::tm time{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (!end || *end)
    fail(ErrorCode::BadInput, "now: found {}, expected a time such as 2025-11-05T14:03:09", printable(text, 40));
  return time;
}

bool boolean_of(const Json& line, const char* name, bool usual) {
  const auto it = line.find(name);
  if (it == line.end()) return usual;
  if (!it->is_boolean()) fail(ErrorCode::BadInput, "{}: found {}, expected true or false", name, it->type_name());
  return it->get<bool>();
}

class Render final : public Verb {
 public:
  const char* name() const override { return "render"; }
  const char* summary() const override { return "Show the prompt that a chat template makes of messages"; }

  void declare(CLI::App& app) override {
    app.footer(R"(Examples
  apr render MODEL.gguf -p Hello                           the prompt that `apr run` gives the model
  apr render MODEL.gguf -p Hello --segments                which of it is markup, and which is text
  apr render --template chat.jinja --jsonl < cases.jsonl   {"messages":…} lines to {"rendered":…} lines

A line has messages, and may have tools, add_generation_prompt (true), extra (further variables) and now (the time that
strftime_now formats). What a template refuses, or fails at, is an {"error":…} line.)");
    auto* model = app.add_option("MODEL", path_, "A GGUF file with a chat template");
    app.add_option("--template", template_, "A file with the template, instead of MODEL's")->excludes(model);
    app.add_option("-p,--prompt", prompt_, "A user's message; @FILE reads a file, - standard input (the default)");
    app.add_option("--system", system_, "A system message before it");
    auto* jsonl =
        app.add_flag("--jsonl", jsonl_, "Read a JSON object per line from standard input and print one for each");
    app.add_flag("--segments", segments_, "Print pieces with their origins, as JSON");
    jsonl->excludes("--prompt")->excludes("--system");
  }

  int run() override {
    if (path_.empty() == template_.empty()) fail(ErrorCode::Usage, "render: give either MODEL or --template FILE");
    const ModelTemplate found = path_.empty() ? template_of_text(read_file(template_), template_)
                                              : template_of(gguf::File::open(path_), /*usual=*/false);
    if (jsonl_) {
      return each_json_line([&](const Json& line) { return answer(found, line); });
    }
    Json messages = Json::array();
    if (system_) messages.push_back({{"role", "system"}, {"content", *system_}});
    messages.push_back({{"role", "user"}, {"content", read_prompt(prompt_)}});
    chat::Setting setting = found.setting();
    const chat::Segments segments = chat::render_conversation(found.chat_template, messages, setting).segments;
    segments_ ? print_json(document(segments)) : print(chat::text_of(segments));
    return 0;
  }

 private:
  Json answer(const ModelTemplate& found, const Json& line) const {
    const auto messages = line.find("messages");
    if (messages == line.end()) fail(ErrorCode::BadInput, "messages: missing");
    chat::Setting setting = found.setting();
    setting.tools = line.contains("tools") ? line["tools"] : Json();
    setting.add_generation_prompt = boolean_of(line, "add_generation_prompt", true);
    if (const auto now = line.find("now"); now != line.end() && !now->is_null()) setting.now = time_of(*now);
    if (const auto extra = line.find("extra"); extra != line.end() && !extra->is_null()) {
      if (!extra->is_object()) fail(ErrorCode::BadInput, "extra: found {}, expected an object", extra->type_name());
      setting.extra = *extra;
      for (auto [name, token] : {std::pair("bos_token", &setting.bos_token), {"eos_token", &setting.eos_token}}) {
        if (const auto it = extra->find(name); it != extra->end() && it->is_string()) *token = it->get<std::string>();
      }
    }
    try {
      const chat::Segments segments = chat::render(found.chat_template, *messages, setting);
      return segments_ ? document(segments) : Json{{"rendered", chat::text_of(segments)}};
    } catch (const chat::jinja::Refusal& refusal) {
      return {{"error", refusal.message()}};
    }
  }

  static Json document(const chat::Segments& segments) {
    Json list = Json::array();
    for (const chat::Segment& s : segments)
      list.push_back({{"origin", s.origin == chat::Origin::Markup ? "markup" : "text"}, {"text", s.text}});
    return {{"segments", std::move(list)}};
  }

  std::string path_, template_;
  std::optional<std::string> prompt_, system_;
  bool jsonl_ = false, segments_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_render() { return std::make_unique<Render>(); }

}  // namespace apr::cli
