#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace apr::cli {

/// Token ids separated by commas or white space. errors: BadInput, naming `where`, the position and what stands there;
/// also when empty
std::vector<tokenizer::Token> parse_tokens(std::string_view text, std::string_view where);

}  // namespace apr::cli
