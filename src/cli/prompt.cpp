#include "cli/prompt.h"

#include "base/error.h"
#include "base/printable.h"
#include "cli/terminal.h"

namespace apr::cli {

using engine::Token;

std::string read_prompt(const std::optional<std::string>& flag) {
  if (!flag) {
    if (!stdin_is_terminal()) return read_stdin();
    fail(ErrorCode::Usage, "prompt: missing; give it with -p \"TEXT\", -p @FILE, or through standard input");
  }
  if (*flag == "-") return read_stdin();
  if (flag->starts_with('@')) return read_named_file("-p", *flag);
  return *flag;
}

std::string read_named_file(std::string_view flag, const std::string& at_name) {
  try {
    if (at_name.size() == 1) fail(ErrorCode::Usage, "expected @FILE");
    return read_file(at_name.substr(1));
  } catch (const Error& e) {
    fail(e.code(), "{} {}: {}; text that begins with @ goes through standard input or another file", flag,
         printable(at_name), e.what());
  }
}

std::vector<Token> chatml_tokens(const engine::Engine& engine, const std::string& user,
                                 const std::optional<std::string>& system) {
  const tokenizer::Tokenizer& tokenizer = engine.tokenizer();
  const Token start = tokenizer.find_special("<|im_start|>"), end = tokenizer.find_special("<|im_end|>");
  if (start < 0 || end < 0) {
    fail(
        ErrorCode::UnsupportedOperation,
        "{}: its vocabulary lacks <|im_start|> or <|im_end|>, so it is no ChatML model; continue plain text with --raw",
        engine.file().path().string());
  }
  std::vector<Token> tokens;
  if (engine.bos() >= 0) tokens.push_back(engine.bos());
  auto text = [&](const std::string& piece) {
    const std::vector<Token> ids = tokenizer.encode(piece, tokenizer::Special::Plain);
    tokens.insert(tokens.end(), ids.begin(), ids.end());
  };
  auto turn = [&](const char* role, const std::string& body) {
    tokens.push_back(start);
    text(std::string(role) + "\n" + body);  // one piece between two control tokens, as in a rendered conversation
    tokens.push_back(end);
    text("\n");
  };
  if (system) turn("system", *system);
  turn("user", user);
  tokens.push_back(start);
  text("assistant\n");
  return tokens;
}

std::vector<Token> raw_tokens(const engine::Engine& engine, const std::string& text) {
  std::vector<Token> tokens = engine.tokenizer().encode(text, tokenizer::Special::Parse);
  if (engine.bos() >= 0) tokens.insert(tokens.begin(), engine.bos());
  return tokens;
}

}  // namespace apr::cli
