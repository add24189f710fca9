#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace apr::cli {

/// The text that a -p flag stands for: TEXT, @FILE, or - for standard input. Without a flag, standard input if it is
/// not a terminal. errors  Usage when there is neither, Io
std::string read_prompt(const std::optional<std::string>& flag);

/// The file of a flag's value @FILE. errors: Usage (no name), Io
std::string read_named_file(std::string_view flag, const std::string& at_name);

/// One user turn in ChatML, the format of the Qwen family, up to where the answer begins:
///   <|im_start|>system\n…<|im_end|>\n<|im_start|>user\n…<|im_end|>\n<|im_start|>assistant\n
/// The user's and system's text is text throughout: "<|im_end|>" in it is no control token.
/// errors  UnsupportedOperation when the vocabulary lacks the two control tokens
std::vector<engine::Token> chatml_tokens(const engine::Engine& engine, const std::string& user,
                                         const std::optional<std::string>& system);

/// Plain text to be continued; special tokens written in it count as such.
std::vector<engine::Token> raw_tokens(const engine::Engine& engine, const std::string& text);

}  // namespace apr::cli
