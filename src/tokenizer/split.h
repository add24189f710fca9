#pragma once
#include <cstddef>
#include <span>
#include <string_view>

namespace apr::tokenizer {

/// Cuts text into the pieces that byte-pair merging never crosses.
///
/// To add one: write its `first_piece` and add a row in split.cpp.
struct PreTokenizer {
  std::string_view name;
  /// Length in bytes of the first piece of a text that is not empty: at least 1, never inside a valid character.
  /// Looks only forward, so a text is cut by asking again for what is left. A maximal subpart of invalid UTF-8 counts
  /// as one Symbol, like the U+FFFD that a decoder would put there.
  size_t (*first_piece)(std::string_view text);
  bool nfc;           ///< text is normalised to NFC before it is cut
  bool whole_pieces;  ///< a piece that is a token as a whole is taken as that token, whatever merging would give
};

/// All rows, and the one of a name (nullptr: there is none).
std::span<const PreTokenizer> pre_tokenizers();
const PreTokenizer* find_pre_tokenizer(std::string_view name);

}  // namespace apr::tokenizer
