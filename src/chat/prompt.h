#pragma once
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "chat/jinja/template.h"
#include "chat/messages.h"

namespace apr::chat {

/// What a chat template is given, but for the messages.
struct Setting {
  Json tools;  ///< an array of tools as OpenAI has them, or null
  bool add_generation_prompt = true;
  std::string bos_token, eos_token;  ///< the texts of the model's tokens: markup
  Json extra = Json::object();       ///< further variables, such as enable_thinking
  std::tm now{};                     ///< for templates that ask for the date
};

/// Renders messages as they stand: the variables are those that transformers gives a template.
/// errors  those of jinja::Template::render; BadInput for numbers beyond 64 bits
Segments render(const jinja::Template& chat_template, const Json& messages, const Setting& setting);

/// Renders what a client sent: normalised, and where the template refuses the order of roles, with its turns merged.
/// errors  those of normalise() and render(); of a template that refuses both ways the first refusal
struct Rendered {
  Segments segments;
  std::vector<std::string> notes;  ///< what was changed and may surprise
};
Rendered render_conversation(const jinja::Template& chat_template, const Json& messages, const Setting& setting);

/// ChatML, the format of the Qwen family, for files without a template of their own.
extern const char* const kChatMl;

/// The time here and now.
std::tm local_time();

}  // namespace apr::chat
