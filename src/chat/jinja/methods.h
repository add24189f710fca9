#pragma once
#include <optional>
#include <string_view>

#include "chat/jinja/evaluator.h"

namespace apr::chat::jinja {

/// A method of text, a list or a dict, bound to it; nothing where its type has none of that name. Trouble for those
/// that would change it: values are immutable, as in Jinja2's sandbox.
std::optional<Value> find_method(const Value& of, std::string_view name);

}  // namespace apr::chat::jinja
