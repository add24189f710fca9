#pragma once
#include <memory>
#include <unordered_map>
#include <vector>

#include "sampling/grammar/states.h"
#include "sampling/grammar/token_trie.h"

namespace apr::grammar {

/// Follows a text, token by token, and says which tokens may come next.
///
/// A mask is made when its place in the grammar is first reached, and kept. Making one takes a walk over the
/// vocabulary's tree, along the bytes that the grammar allows; plain characters within strings are taken by the length
/// of a token, without a walk.
///
/// Told how many tokens are left, it also keeps a way out: it allows only those after which the rest can be written,
/// a token for a byte if need be. So an answer that may be as long as the shortest text that matches will match.
///
/// needs   a vocabulary with a token for each single byte, for the way out to be there
/// errors  those of States
/// threads one caller at a time
class Matcher {
 public:
  static constexpr uint32_t kMany = UINT32_MAX;
  Matcher(std::shared_ptr<const Program> program, std::shared_ptr<const TokenTrie> trie);

  /// The tokens that may come next, when so many (this one included) may still come. Valid until the next call. Where
  /// too few are left for any way out, all that the grammar allows.
  sampling::Mask mask(uint32_t tokens_left = kMany);
  bool may_end() const { return states_.distance(state_) == 0; }
  /// Bytes, at least, until it may end.
  Distance distance() const { return states_.distance(state_); }
  /// needs: mask() held it
  void accept(Token token);

 private:
  struct Known {
    std::vector<uint64_t> words;
    Distance most;  ///< distance() after whichever of them: this at most
  };
  Known make(Distance most);
  void walk(std::span<const TokenTrie::Node> tree, bool plain, Distance most, Known& known);
  void take(std::span<const TokenTrie::Node> tree, const TokenTrie::Node& node, Distance distance, Known& known) const;
  sampling::Mask run_of_characters(const States::Run& run);
  void forget_when_full();

  std::shared_ptr<const Program> program_;
  std::shared_ptr<const TokenTrie> trie_;
  std::unordered_map<int32_t, TokenTrie::ByLength> by_class_;  ///< of characters
  States states_;
  States::Id state_;
  std::unordered_map<States::Id, Known> known_;
  Known tight_;                    ///< the last mask that was made for its way out alone
  std::vector<States::Id> along_;  ///< states along a path of the tree
};

}  // namespace apr::grammar
