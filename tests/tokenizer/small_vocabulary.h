#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

namespace apr::tokenizer {

/// A vocabulary to read by eye: token b is byte b, then one token a merge from 256 on, then the special tokens.
/// `merges` are pairs of bytes as they stand in text: {"h", "e"} makes token 256 "he".
inline Vocabulary small_vocabulary(const std::string& pre,
                                   const std::vector<std::pair<std::string, std::string>>& merges,
                                   const std::vector<std::pair<std::string, Kind>>& specials = {}) {
  Vocabulary v{.pre = pre, .tokens = {}, .kinds = {}, .merges = {}, .source = "small"};
  for (int byte = 0; byte < 256; ++byte) v.tokens.push_back(to_alphabet(std::string(1, static_cast<char>(byte))));
  for (const auto& [left, right] : merges) {
    v.tokens.push_back(to_alphabet(left + right));
    v.merges.push_back(to_alphabet(left) + " " + to_alphabet(right));
  }
  v.kinds.assign(v.tokens.size(), Kind::Normal);
  for (const auto& [text, kind] : specials) {
    v.tokens.push_back(text);
    v.kinds.push_back(kind);
  }
  return v;
}

/// The one most tests use: a few English merges, the space and newline runs of code, and a family of special tokens
/// that are prefixes of each other.
inline Vocabulary english(const std::string& pre) {
  return small_vocabulary(pre,
                          {{"h", "e"},
                           {"l", "l"},
                           {"he", "ll"},
                           {"hell", "o"},
                           {" ", "hello"},
                           {" ", " "},
                           {"\n", "\n"},
                           {"e", "\xCC"},
                           {"'", "s"}},
                          {{"<|im_start|>", Kind::Control},
                           {"<|im_end|>", Kind::Control},
                           {"<think>", Kind::UserDefined},
                           {"<think>>", Kind::UserDefined},
                           {"<", Kind::Unused},
                           {"{{{", Kind::Control},
                           {"{{", Kind::Control}});
}

}  // namespace apr::tokenizer
