#include "cli/prompt.h"

#include "base/error.h"
#include "base/printable.h"
#include "cli/model_template.h"
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

std::vector<Token> tokens_of(const engine::Engine& engine, const chat::Segments& segments) {
  std::vector<tokenizer::Piece> pieces;
  for (const chat::Segment& s : segments) pieces.push_back({s.text, s.origin == chat::Origin::Markup});
  std::vector<Token> tokens = engine.tokenizer().encode(pieces);
  const Token bos = engine.bos();
  if (bos >= 0 && (tokens.empty() || tokens.front() != bos))
    tokens.insert(tokens.begin(), bos);  // many templates bring it
  return tokens;
}

std::vector<Token> chat_tokens(const engine::Engine& engine, const std::string& user,
                               const std::optional<std::string>& system, const chat::Json& tools) {
  const ModelTemplate found = template_of(engine.file(), /*usual=*/true);
  const tokenizer::Tokenizer& tokenizer = engine.tokenizer();
  if (!found.own && (tokenizer.find_special("<|im_start|>") < 0 || tokenizer.find_special("<|im_end|>") < 0)) {
    fail(ErrorCode::UnsupportedOperation,
         "{}: it has no chat template, and its vocabulary lacks <|im_start|> or <|im_end|>, so it is no ChatML model; "
         "continue plain text with --raw",
         shown(engine.file().path()));
  }
  chat::Json messages = chat::Json::array();
  if (system) messages.push_back({{"role", "system"}, {"content", *system}});
  messages.push_back({{"role", "user"}, {"content", user}});
  chat::Setting setting = found.setting();
  setting.tools = tools;
  return tokens_of(engine, chat::render_conversation(found.chat_template, messages, setting).segments);
}

std::vector<Token> raw_tokens(const engine::Engine& engine, const std::string& text) {
  std::vector<Token> tokens = engine.tokenizer().encode(text, tokenizer::Special::Parse);
  if (engine.bos() >= 0) tokens.insert(tokens.begin(), engine.bos());
  return tokens;
}

}  // namespace apr::cli
