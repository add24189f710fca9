#include "engine/ngram_index.h"

#include <algorithm>
#include <bit>

namespace apr::engine {

NgramIndex::NgramIndex(size_t capacity)
    : buckets_(std::bit_ceil(2 * capacity / kWays + 1)), slots_((kLongest - kShortest + 1) * buckets_ * kWays) {
  tokens_.reserve(capacity);
}

/// First slot of the bucket for the n tokens before `end`.
size_t NgramIndex::slot(int n, size_t end) const {
  uint64_t hash = uint64_t(n);
  for (size_t i = end - size_t(n); i < end; ++i) {
    hash = (hash ^ uint32_t(tokens_[i])) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return (size_t(n - kShortest) * buckets_ + (hash & (buckets_ - 1))) * kWays;
}
std::span<uint32_t> NgramIndex::bucket(int n, size_t end) { return {&slots_[slot(n, end)], kWays}; }
std::span<const uint32_t> NgramIndex::bucket(int n, size_t end) const { return {&slots_[slot(n, end)], kWays}; }

/// Are the n tokens before a and before b the same?
bool NgramIndex::same(size_t a, size_t b, int n) const {
  return std::equal(tokens_.begin() + std::ptrdiff_t(a) - n, tokens_.begin() + std::ptrdiff_t(a),
                    tokens_.begin() + std::ptrdiff_t(b) - n);
}

/// Notes that the last n tokens end here, in the place of the same ones, in a free one, or in the oldest.
void NgramIndex::insert(int n) {
  const size_t end = tokens_.size();
  const std::span<uint32_t> ways = bucket(n, end);
  uint32_t* oldest = &ways[0];
  for (uint32_t& way : ways) {
    if (way != 0 && same(way, end, n)) {
      way = uint32_t(end);
      return;
    }
    if (way < *oldest) oldest = &way;
  }
  *oldest = uint32_t(end);
}

/// N-grams enter the index once a token follows them: the last tokens must not be found where they are.
void NgramIndex::append(Token token) {
  for (int n = kShortest; n <= kLongest && size_t(n) <= tokens_.size(); ++n) insert(n);
  tokens_.push_back(token);
}

NgramIndex::Match NgramIndex::find() const {
  const size_t end = tokens_.size();
  for (int n = kLongest; n >= kShortest; --n) {
    if (size_t(n) > end) continue;
    for (const uint32_t way : bucket(n, end)) {
      if (way == 0 || !same(way, end, n)) continue;
      int length = n;
      while (length < kCompared && size_t(length) < way &&
             tokens_[way - size_t(length) - 1] == tokens_[end - size_t(length) - 1])
        ++length;
      return {way, length};
    }
  }
  return {};
}

void NgramIndex::follow(const Match& match, std::span<Token> guesses) const {
  for (size_t i = 0; i < guesses.size(); ++i) {
    const size_t from = match.next + i;
    guesses[i] = from < tokens_.size() ? tokens_[from] : guesses[from - tokens_.size()];
  }
}

}  // namespace apr::engine
