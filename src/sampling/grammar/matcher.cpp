#include "sampling/grammar/matcher.h"

#include <algorithm>

namespace apr::grammar {
namespace {

constexpr size_t kMostStates = 10'000, kMostMasks = 1'000;  ///< about 30 MB, with a vocabulary of 150,000

}  // namespace

Matcher::Matcher(std::shared_ptr<const Program> program, std::shared_ptr<const TokenTrie> trie)
    : program_(std::move(program)),
      trie_(std::move(trie)),
      states_(program_),
      state_(states_.start()),
      along_(TokenTrie::kLongest + 1) {}

sampling::Mask Matcher::mask(uint32_t tokens_left) {
  auto found = known_.find(state_);
  if (found == known_.end()) {
    forget_when_full();
    found = known_.emplace(state_, make(kNever)).first;
  }
  const Distance after = tokens_left == 0 ? 0 : tokens_left - 1;
  if (tokens_left == kMany || found->second.most <= after || distance() > tokens_left) return found->second.words;
  tight_ = make(after);
  return tight_.words;
}

void Matcher::accept(Token token) {
  for (const char byte : trie_->bytes(token)) {
    const States::Id next = states_.next(state_, uint8_t(byte));
    if (next == States::kDead) return;
    state_ = next;
  }
}

/// The tokens after which the distance is not above `most`; kNever: all that match.
Matcher::Known Matcher::make(Distance most) {
  Known known{std::vector<uint64_t>(trie_->words()), 0};
  const States::Run run = most == kNever ? states_.run(state_) : States::Run();
  if (run.chars >= 0) {
    const sampling::Mask mask = run_of_characters(run);
    std::copy(mask.begin(), mask.end(), known.words.begin());
    known.most = run.distance;
  }
  if (!run.whole) walk(trie_->plain(), true, most, known);
  walk(trie_->other(), false, most, known);
  return known;
}

sampling::Mask Matcher::run_of_characters(const States::Run& run) {
  auto found = by_class_.find(run.chars);
  if (found == by_class_.end())
    found = by_class_.emplace(run.chars, trie_->by_length(program_->chars(run.chars))).first;
  return found->second.up_to(run.most);
}

void Matcher::walk(std::span<const TokenTrie::Node> tree, bool plain, Distance most, Known& known) {
  const bool whole = plain && most == kNever;
  // What a loop over all plain characters takes is known without a look at it.
  auto any_plain = [&](States::Id state) {
    return whole && states_.run(state).chars == 0 ? states_.run(state).most : 0;
  };
  const uint32_t taken = any_plain(state_);  // tokens no longer than this are in already
  along_[0] = state_;
  for (size_t i = 0; i < tree.size();) {
    const TokenTrie::Node& node = tree[i];
    if (node.most_plain <= taken) {
      i = size_t(node.skip);
      continue;
    }
    const States::Id state = states_.next(along_[node.depth - 1], node.byte);
    if (state == States::kDead) {
      i = size_t(node.skip);
      continue;
    }
    if (const uint32_t more = any_plain(state); more > 0 && more >= uint32_t(node.most_plain - node.plain)) {
      take(tree, node, std::max(states_.distance(state), states_.run(state).distance), known);
      i = size_t(node.skip);
      continue;
    }
    along_[node.depth] = state;
    if (node.count > 0 && states_.distance(state) <= most) {
      for (int32_t k = 0; k < node.count; ++k) sampling::set(known.words, trie_->ids()[size_t(node.first + k)], true);
      known.most = std::max(known.most, states_.distance(state));
    }
    ++i;
  }
}

/// All tokens at and below a node.
void Matcher::take(std::span<const TokenTrie::Node> tree, const TokenTrie::Node& node, Distance distance,
                   Known& known) const {
  const auto behind = size_t(node.skip);
  const int32_t last = behind < tree.size() ? tree[behind].first : tree.back().first + tree.back().count;
  for (int32_t k = node.first; k < last; ++k) sampling::set(known.words, trie_->ids()[size_t(k)], true);
  known.most = std::max(known.most, distance);
}

void Matcher::forget_when_full() {
  if (known_.size() < kMostMasks && states_.size() < kMostStates) return;
  known_.clear();
  state_ = states_.keep_only(state_);
}

}  // namespace apr::grammar
