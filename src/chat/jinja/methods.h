#pragma once
#include <optional>
#include <string_view>

#include "chat/jinja/evaluator.h"

namespace apr::chat::jinja {

/// A method of text, a list or a dict, bound to it; nothing where its type has none of that name. Trouble for those
/// that would change it: values are immutable, as in Jinja2's sandbox.
std::optional<Value> find_method(const Value& of, std::string_view name);

// What filters share with methods.
Text stripped(const Text& text, const Value* characters, bool left, bool right);
Text replaced(Evaluator& e, const Text& text, const Text& from, const Text& to, int64_t most);
Text upper(const Text& text);
Text lower(const Text& text);
Text capitalized(const Text& text);
bool is_upper(std::string_view text);
bool is_lower(std::string_view text);

}  // namespace apr::chat::jinja
