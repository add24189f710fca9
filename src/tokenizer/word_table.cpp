#include "tokenizer/word_table.h"

#include <bit>
#include <cstring>

namespace apr::tokenizer {

WordTable::WordTable(size_t capacity) : slots_(std::bit_ceil(2 * capacity + 1)), mask_(slots_.size() - 1) {}

uint32_t WordTable::hash_of(std::string_view text) {
  constexpr uint64_t kMix = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio, odd
  uint64_t hash = text.size() * kMix;
  const auto add = [&hash](uint64_t word) {
    hash = (hash ^ word) * kMix;
    hash ^= hash >> 32;
  };
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    add(word);
  }
  uint64_t tail = 0;
  for (size_t i = 0; i < left; ++i) tail |= static_cast<uint64_t>(static_cast<uint8_t>(at[i])) << (8 * i);
  add(tail);
  return static_cast<uint32_t>(hash * kMix >> 32);
}

}  // namespace apr::tokenizer
