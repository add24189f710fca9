#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/messages.h"
#include "chat/segments.h"
#include "engine/engine.h"

namespace apr::cli {

/// The text that a -p flag stands for: TEXT, @FILE, or - for standard input. Without a flag, standard input if it is
/// not a terminal. errors  Usage when there is neither, Io
std::string read_prompt(const std::optional<std::string>& flag);

/// The file of a flag's value @FILE. errors: Usage (no name), Io
std::string read_named_file(std::string_view flag, const std::string& at_name);

/// The tokens of a rendered prompt: control tokens come out of its markup alone. The token that the model wants before
/// every prompt is put there, unless the template brings it.
std::vector<engine::Token> tokens_of(const engine::Engine& engine, const chat::Segments& segments);

/// A user's turn in the model's own chat template (ChatML where the file has none), up to where the answer begins. What
/// user and system say is text throughout: "<|im_end|>" in it is no control token. tools: as OpenAI has them, or null.
/// errors  Template; UnsupportedOperation when there is no template and no vocabulary for ChatML
std::vector<engine::Token> chat_tokens(const engine::Engine& engine, const std::string& user,
                                       const std::optional<std::string>& system, const chat::Json& tools = {});

/// Plain text to be continued; special tokens written in it count as such.
std::vector<engine::Token> raw_tokens(const engine::Engine& engine, const std::string& text);

}  // namespace apr::cli
