#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "sampling/token.h"

namespace apr::sampling {

/// A set of tokens: bit id % 64 of word id / 64. As what may be chosen, an empty span stands for all of them.
///
/// shape   mask_words(V) words; bits from V on say nothing
using Mask = std::span<const uint64_t>;

constexpr size_t mask_words(size_t vocabulary) { return (vocabulary + 63) / 64; }

/// needs: id lies within the words
constexpr bool holds(Mask mask, Token id) { return mask[size_t(id) / 64] >> (size_t(id) % 64) & 1; }
constexpr void set(std::span<uint64_t> words, Token id, bool on) {
  const uint64_t bit = uint64_t(1) << (size_t(id) % 64);
  words[size_t(id) / 64] = on ? words[size_t(id) / 64] | bit : words[size_t(id) / 64] & ~bit;
}

}  // namespace apr::sampling
