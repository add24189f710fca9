#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace apr::tokenizer {

/// String -> token, without storing the strings: whoever asks says how to get a token's text.
/// A flat table with open addressing, 8 bytes a slot, at most half full.
///
/// threads const after the last insert
class WordTable {
 public:
  WordTable() = default;
  explicit WordTable(size_t capacity);

  /// needs: fewer inserts than `capacity`. The first token of a text stays.
  template <class TextOf>
  void insert(Token token, const TextOf& text_of) {
    const uint32_t hash = hash_of(text_of(token));
    Slot& slot = slots_[find_slot(hash, text_of(token), text_of)];
    if (slot.token < 0) slot = {hash, token};
  }

  /// The token of this text, or -1.
  template <class TextOf>
  Token find(std::string_view text, const TextOf& text_of) const {
    return slots_[find_slot(hash_of(text), text, text_of)].token;
  }

 private:
  struct Slot {
    uint32_t hash = 0;
    Token token = -1;
  };

  uint32_t hash_of(std::string_view text) const;

  template <class TextOf>
  size_t find_slot(uint32_t hash, std::string_view text, const TextOf& text_of) const {
    size_t at = hash & mask_;
    while (slots_[at].token >= 0 && (slots_[at].hash != hash || text_of(slots_[at].token) != text))
      at = (at + 1) & mask_;
    return at;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1);
  size_t mask_ = 0;
  uint64_t seed_ = 0;
};

}  // namespace apr::tokenizer
