#include "tokenizer/word_table.h"

#include <bit>

#include "tokenizer/hash.h"

namespace apr::tokenizer {

WordTable::WordTable(size_t capacity)
    : slots_(std::bit_ceil(2 * capacity + 1)), mask_(slots_.size() - 1), seed_(process_seed()) {}

uint32_t WordTable::hash_of(std::string_view text) const {
  return static_cast<uint32_t>(hash_bytes(text.data(), text.size(), seed_) >> 32);
}

}  // namespace apr::tokenizer
