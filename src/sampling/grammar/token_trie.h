#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/grammar/char_set.h"
#include "sampling/mask.h"
#include "sampling/token.h"

namespace apr::grammar {

using sampling::Token;

/// The tokens that text is made of, by their bytes, as trees laid out flat.
///
/// Tokens of whole plain characters only (program.h: what stands in JSON text as itself) are most of a vocabulary, and
/// inside of a string they are all alike but for their length. So they have a tree of their own.
///
/// shape   one entry for each id; empty bytes: never a part of text
/// threads const after construction
class TokenTrie {
 public:
  explicit TokenTrie(std::span<const std::string_view> bytes_of_ids);

  /// A tree in preorder: behind each node stands what is below it.
  struct Node {
    uint8_t byte;
    uint16_t depth;       ///< bytes to here, this one included; tokens longer than kLongest are left out
    uint16_t most_plain;  ///< characters of the longest token at or below this node, counted from the tree's root
    uint16_t plain;       ///< characters that are complete here
    int32_t skip;         ///< the node behind all that is below
    int32_t first;        ///< the node's own tokens: their place in ids()
    int32_t count;
  };
  static constexpr size_t kLongest = 1000;

  std::span<const Node> plain() const { return plain_; }  ///< tokens of whole plain characters
  std::span<const Node> other() const { return other_; }  ///< all others
  std::span<const Token> ids() const { return ids_; }
  /// The tokens of plain characters, all out of one set: a mask for each length.
  class ByLength {
   public:
    /// Those of at most n characters. needs: n > 0
    sampling::Mask up_to(uint32_t n) const;

   private:
    friend class TokenTrie;
    size_t words_ = 0;
    uint32_t longest_ = 0;
    std::vector<uint64_t> masks_;
  };
  ByLength by_length(const CharSet& plain_set) const;
  std::string_view bytes(Token id) const;
  size_t words() const { return words_; }

 private:
  void build(std::vector<Token> ids, std::vector<Node>& tree);

  std::vector<std::string> bytes_;
  std::vector<Node> plain_, other_;
  std::vector<Token> ids_;
  size_t words_;
};

}  // namespace apr::grammar
