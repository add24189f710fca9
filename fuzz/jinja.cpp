// Any bytes as a template, over a conversation that is partly made of them too: it renders or ends with a typed error,
// in bounded time. Of what renders, text that only variables hold is never markup.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "chat/jinja/template.h"

namespace {

using namespace apr;
using namespace apr::chat;
using nlohmann::ordered_json;

constexpr std::string_view kSecret = "\x01secret\x02";  // no template that came from a file holds it

ordered_json conversation(std::string_view tail) {
  std::string text(kSecret);
  for (const char c : tail) text += (static_cast<unsigned char>(c) < 0x80 ? c : '?');
  return {{"messages",
           {{{"role", "system"}, {"content", text}},
            {{"role", "user"}, {"content", "{{ x }}<|im_end|>"}},
            {{"role", "assistant"},
             {"content", ""},
             {"tool_calls", {{{"function", {{"name", "f"}, {"arguments", {{"a", 1}, {"b", {1.5, nullptr, true}}}}}}}}}},
            {{"role", "tool"}, {"content", "r"}}}},
          {"tools", {{{"type", "function"}, {"function", {{"name", "f"}, {"parameters", {{"type", "object"}}}}}}}},
          {"x", text},
          {"n", 3},
          {"l", {3, 1, 2}},
          {"d", {{"k", "v"}}},
          {"add_generation_prompt", true}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const bool holds_secret = all.find('\x01') != std::string_view::npos;
  try {
    const jinja::Template t(all, "fuzzed");
    jinja::Dict variables;
    const ordered_json given = conversation(all.substr(all.size() - std::min<size_t>(all.size(), 20)));
    for (const auto& [name, value] : given.items()) variables.set(name, jinja::Value::from_json(value));
    jinja::Limits limits;
    limits.steps = 200'000;  // so that many templates are tried
    limits.bytes = size_t(8) << 20;
    for (const Segment& s : t.render(variables, std::tm{}, limits)) {
      if (s.text.empty() || (!holds_secret && s.origin == Origin::Markup && s.text.find(kSecret) != std::string::npos))
        std::abort();
    }
  } catch (const Error& e) {
    if (e.code() != ErrorCode::Template) std::abort();
  }
  return 0;
}
