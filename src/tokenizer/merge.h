#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/hash.h"
#include "tokenizer/tokenizer.h"

namespace apr::tokenizer {

/// (left, right) -> rank: a flat table with open addressing.
///
/// threads const after the last add
class MergeTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// needs: at most `merges` calls of add.
  explicit MergeTable(size_t merges = 0);
  /// The next rank joins left and right to whole. Of a pair that is there already the first (better) rank stays.
  void add(Token left, Token right, Token whole);

  uint32_t rank(Token left, Token right) const {
    size_t at = slot_of(left, right);
    while (slots_[at].rank != kNone && (slots_[at].left != left || slots_[at].right != right)) at = (at + 1) & mask_;
    return slots_[at].rank;
  }
  Token whole(uint32_t rank) const { return wholes_[rank]; }

 private:
  struct Slot {
    Token left = 0, right = 0;
    uint32_t rank = kNone;
  };

  size_t slot_of(Token left, Token right) const {
    const uint64_t pair = static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
    return hash_bytes(&pair, sizeof pair, seed_) & mask_;
  }

  std::vector<Slot> slots_;
  std::vector<Token> wholes_;  // by rank
  size_t mask_;
  uint64_t seed_;
};

/// Byte-pair merging of one piece: again and again the pair of best rank is joined, the leftmost of equals.
///
/// errors  BadInput for a piece of 4 GiB or more
/// threads one Merger each; the table is shared. It only keeps scratch memory from piece to piece.
/// source  arXiv:1508.07909; O(n log n) with a heap of candidates over a linked list of tokens
class Merger {
 public:
  Merger(const MergeTable& table, const std::array<Token, 256>& bytes) : table_(table), bytes_(bytes) {}
  /// Appends the tokens of piece to out.
  void append(std::string_view piece, std::vector<Token>& out);

 private:
  static constexpr size_t kShort = 48;  // up to here rescanning an array beats the heap

  struct Node {
    Token token;
    uint32_t rank;  // of the pair with the next one
    uint32_t previous, next;
  };

  void append_short(std::string_view piece, std::vector<Token>& out) const;
  void append_long(std::string_view piece, std::vector<Token>& out);
  void make_nodes(std::string_view piece);
  void rank_pair(uint32_t left);
  void offer(uint32_t left);
  void join_at(uint32_t left);

  const MergeTable& table_;
  const std::array<Token, 256>& bytes_;
  std::vector<Node> nodes_;
  std::vector<uint64_t> heap_;  // rank << 32 | position of the left token; smallest first
};

}  // namespace apr::tokenizer
