#include "chat/prompt.h"

namespace apr::chat {

using jinja::Dict;
using jinja::Value;

const char* const kChatMl =
    "{%- for message in messages -%}\n"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}\n"
    "{%- endfor -%}\n"
    "{%- if add_generation_prompt -%}\n"
    "{{- '<|im_start|>assistant\\n' -}}\n"
    "{%- endif -%}\n";

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return local;
}

Segments render(const jinja::Template& chat_template, const Json& messages, const Setting& setting) {
  Dict variables;
  variables.set("messages", Value::from_json(messages));
  variables.set("tools", Value::from_json(setting.tools));
  variables.set("documents", Value::none());
  variables.set("add_generation_prompt", Value::boolean(setting.add_generation_prompt));
  for (const auto& [name, value] : setting.extra.items()) variables.set(name, Value::from_json(value));
  const auto token = [&](const char* name, const std::string& text) {
    if (!text.empty()) variables.set(name, Value::string(text, Origin::Markup));
  };
  token("bos_token", setting.bos_token);
  token("eos_token", setting.eos_token);
  return chat_template.render(variables, setting.now);
}

Rendered render_conversation(const jinja::Template& chat_template, const Json& messages, const Setting& setting) {
  Messages normal = normalise(messages);
  try {
    return {render(chat_template, normal.list, setting), std::move(normal.notes)};
  } catch (const jinja::Refusal& refusal) {
    const Json merged = merge_turns(normal.list);
    if (merged == normal.list) throw;
    try {
      Segments segments = render(chat_template, merged, setting);
      normal.notes.push_back("the template refuses this order of roles, so neighbouring turns were merged: " +
                             refusal.message());
      return {std::move(segments), std::move(normal.notes)};
    } catch (const jinja::Refusal&) {
      throw refusal;
    }
  }
}

}  // namespace apr::chat
