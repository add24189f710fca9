#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace apr::engine {

using Token = int32_t;

/// Finds where the last few tokens of a sequence stood before, so that what followed then can be guessed to follow now
/// (prompt lookup: arXiv:2304.04487).
///
/// units   tokens, positions from 0
/// cost    append() and find() take a bounded number of steps, however long the sequence and whatever its tokens
/// errors  none; an older place may be forgotten when many share a bucket, which only costs a guess
/// threads one user at a time
class NgramIndex {
 public:
  static constexpr int kShortest = 2, kLongest = 4;  ///< tokens that have to match
  static constexpr int kCompared = 16;               ///< a longer match counts as one of this length

  explicit NgramIndex(size_t capacity);  ///< tokens that will be appended at most
  void append(Token token);
  size_t size() const { return tokens_.size(); }

  struct Match {
    size_t next = 0;  ///< position of the token that followed
    int length = 0;   ///< tokens before it that are the same as the last ones; 0 = no match
  };
  /// The latest earlier place of the last 4 tokens; of the last 3, if there is none; of the last 2.
  Match find() const;
  /// The tokens that followed a match; where they run into the end, they go on with what was guessed so far, so that a
  /// loop is guessed as a loop.
  void follow(const Match& match, std::span<Token> guesses) const;

 private:
  static constexpr size_t kWays = 8;  ///< places per bucket
  std::span<uint32_t> bucket(int n, size_t end);
  std::span<const uint32_t> bucket(int n, size_t end) const;
  size_t slot(int n, size_t end) const;
  bool same(size_t a, size_t b, int n) const;
  void insert(int n);

  std::vector<Token> tokens_;
  size_t buckets_;               ///< per n; a power of two
  std::vector<uint32_t> slots_;  ///< [n - kShortest][bucket][way]: where an n-gram ends; 0 = free
};

}  // namespace apr::engine
