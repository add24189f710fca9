#include "cli/token_list.h"

#include <charconv>

#include "base/error.h"

namespace apr::cli {

std::vector<tokenizer::Token> parse_tokens(std::string_view text, std::string_view where) {
  constexpr std::string_view between = ", \t\r\n";
  std::vector<tokenizer::Token> tokens;
  for (size_t at = text.find_first_not_of(between); at != std::string_view::npos;
       at = text.find_first_not_of(between, at)) {
    const size_t end = std::min(text.find_first_of(between, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    tokenizer::Token id = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || stop != word.data() + word.size() || id < 0) {
      fail(ErrorCode::BadInput, "{}: entry {} is '{}', expected a token id such as 9707", where, tokens.size() + 1,
           word.substr(0, 40));
    }
    tokens.push_back(id);
    at = end;
  }
  if (tokens.empty()) fail(ErrorCode::BadInput, "{}: found no token ids, expected some such as 9707,11,1879", where);
  return tokens;
}

}  // namespace apr::cli
