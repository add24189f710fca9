#pragma once
#include <string_view>

#include "chat/jinja/ast.h"

namespace apr::chat::jinja {

/// Reads a template.
///
/// trust   untrusted bytes; nesting is bounded
/// errors  SyntaxTrouble. What belongs to other files (include, import, extends, block) is refused by name
Body parse(std::string_view source);

}  // namespace apr::chat::jinja
