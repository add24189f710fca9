#pragma once
#include <string_view>

#include "chat/jinja/evaluator.h"

namespace apr::chat::jinja {

/// A method of text. To add one: a row in text_methods.cpp.
struct TextMethod {
  std::string_view name;
  Value (*call)(Evaluator&, const Text&, const Arguments&);
};
/// Null: Python's text has none of that name, or none that templates can do without (encode, translate, …).
const TextMethod* find_text_method(std::string_view name);

// What filters share with methods.
Text stripped(const Text& text, const Value* characters, bool left, bool right);
Text replaced(Evaluator& e, const Text& text, const Text& from, const Text& to, int64_t most);

}  // namespace apr::chat::jinja
