#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace apr::tokenizer {

/// Finds tokens in raw text: the leftmost, and at one place the longest.
///
/// shape   a sorted list of texts is the trie: the texts that share a prefix lie side by side
/// threads const after construction
class Specials {
 public:
  struct Entry {
    std::string text;
    Token token;
  };
  /// Where a token stands in a text; token -1: nowhere.
  struct Match {
    size_t begin, length;
    Token token;
  };

  Specials() = default;
  /// Entries with an empty text are left out; of two with one text the lower token stays.
  explicit Specials(std::vector<Entry> entries);

  Match find_in(std::string_view text, size_t from) const;
  /// The token of exactly this text, or -1.
  Token find(std::string_view text) const;

 private:
  Match longest_at(std::string_view text, size_t pos) const;

  std::vector<Entry> entries_;          // sorted by text
  std::array<bool, 256> first_byte_{};  // of any entry
};

}  // namespace apr::tokenizer
