#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace apr::tokenizer {

/// GPT-2's alphabet: a printable character for each of the 256 bytes, so that vocabularies are plain text files.
/// Bytes that are printable in Latin-1 stand for themselves; the other 68, in order, are U+0100, U+0101, …
///
/// source  Radford et al. 2019, encoder of the released model
std::string to_alphabet(std::string_view bytes);

/// The bytes that a text in the alphabet stands for; nullopt when it holds any other character.
std::optional<std::string> from_alphabet(std::string_view text);

}  // namespace apr::tokenizer
