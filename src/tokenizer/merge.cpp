#include "tokenizer/merge.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "base/error.h"

namespace apr::tokenizer {
namespace {

constexpr uint32_t kEnd = UINT32_MAX;  // no node: before the first, after the last

}  // namespace

MergeTable::MergeTable(size_t merges)
    : slots_(std::bit_ceil(merges + merges / 2 + 1)), mask_(slots_.size() - 1), seed_(process_seed()) {
  wholes_.reserve(merges);
}

void MergeTable::add(Token left, Token right, Token whole) {
  const auto rank = static_cast<uint32_t>(wholes_.size());
  wholes_.push_back(whole);
  size_t at = slot_of(left, right);
  while (slots_[at].rank != kNone) {
    if (slots_[at].left == left && slots_[at].right == right) return;
    at = (at + 1) & mask_;
  }
  slots_[at] = {left, right, rank};
}

void Merger::append(std::string_view piece, std::vector<Token>& out) {
  if (piece.size() <= kShort) {
    append_short(piece, out);
  } else {
    append_long(piece, out);
  }
}

void Merger::append_short(std::string_view piece, std::vector<Token>& out) const {
  Token tokens[kShort];
  uint32_t ranks[kShort];
  size_t n = piece.size();
  for (size_t i = 0; i < n; ++i) tokens[i] = bytes_[static_cast<uint8_t>(piece[i])];
  for (size_t i = 0; i + 1 < n; ++i) ranks[i] = table_.rank(tokens[i], tokens[i + 1]);
  while (n > 1) {
    const size_t best = std::min_element(ranks, ranks + n - 1) - ranks;  // the first of equals
    if (ranks[best] == MergeTable::kNone) break;
    tokens[best] = table_.whole(ranks[best]);
    std::copy(tokens + best + 2, tokens + n, tokens + best + 1);
    std::copy(ranks + best + 1, ranks + n - 1, ranks + best);
    --n;
    if (best > 0) ranks[best - 1] = table_.rank(tokens[best - 1], tokens[best]);
    if (best + 1 < n) ranks[best] = table_.rank(tokens[best], tokens[best + 1]);
  }
  out.insert(out.end(), tokens, tokens + n);
}

void Merger::append_long(std::string_view piece, std::vector<Token>& out) {
  if (piece.size() >= kEnd) {
    fail(ErrorCode::BadInput,
         "text: a stretch of {} bytes without a place to cut it, expected less than 4 GiB; split the text",
         piece.size());
  }
  make_nodes(piece);
  heap_.clear();
  for (uint32_t i = 0; i < nodes_.size(); ++i) offer(i);
  while (!heap_.empty()) {
    std::ranges::pop_heap(heap_, std::greater{});
    const auto rank = static_cast<uint32_t>(heap_.back() >> 32);
    const auto left = static_cast<uint32_t>(heap_.back());
    heap_.pop_back();
    // A candidate whose tokens have changed since is passed over: its place holds another rank, or none.
    if (nodes_[left].rank == rank) join_at(left);
  }
  for (uint32_t at = 0; at != kEnd; at = nodes_[at].next) out.push_back(nodes_[at].token);
}

void Merger::make_nodes(std::string_view piece) {
  const auto n = static_cast<uint32_t>(piece.size());
  nodes_.resize(n);
  for (uint32_t i = 0; i < n; ++i) {
    nodes_[i] = {bytes_[static_cast<uint8_t>(piece[i])], MergeTable::kNone, i == 0 ? kEnd : i - 1,
                 i + 1 == n ? kEnd : i + 1};
  }
  for (uint32_t i = 0; i + 1 < n; ++i) nodes_[i].rank = table_.rank(nodes_[i].token, nodes_[i + 1].token);
}

void Merger::rank_pair(uint32_t left) {
  Node& node = nodes_[left];
  node.rank = node.next == kEnd ? MergeTable::kNone : table_.rank(node.token, nodes_[node.next].token);
}

// Only pairs that come before both of their neighbours are candidates: the best of all is among them, and the heap
// stays small.
void Merger::offer(uint32_t left) {
  if (left == kEnd) return;
  const Node& node = nodes_[left];
  if (node.rank == MergeTable::kNone) return;
  if (node.previous != kEnd && nodes_[node.previous].rank <= node.rank) return;
  if (nodes_[node.next].rank < node.rank) return;
  heap_.push_back(static_cast<uint64_t>(node.rank) << 32 | left);
  std::ranges::push_heap(heap_, std::greater{});
}

void Merger::join_at(uint32_t left) {
  Node& node = nodes_[left];
  const uint32_t before = node.previous, right = node.next, after = nodes_[right].next;
  node.token = table_.whole(node.rank);
  node.next = after;
  if (after != kEnd) nodes_[after].previous = left;
  const uint32_t lost_right = std::exchange(nodes_[right].rank, MergeTable::kNone);
  const uint32_t lost_left = before == kEnd ? MergeTable::kNone : nodes_[before].rank;
  rank_pair(left);
  if (before != kEnd) rank_pair(before);
  offer(left);
  offer(before);
  // The pairs beyond are the same as before, but the ones they had to wait for may be gone.
  if (after != kEnd && lost_right <= nodes_[after].rank) offer(after);
  const uint32_t further = before == kEnd ? kEnd : nodes_[before].previous;
  if (further != kEnd && lost_left < nodes_[further].rank) offer(further);
}

}  // namespace apr::tokenizer
