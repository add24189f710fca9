#include "sampling/grammar/token_trie.h"

#include <algorithm>

#include "sampling/grammar/program.h"

namespace apr::grammar {
namespace {

/// The characters of a text, or 0 unless all of them are whole and plain.
size_t plain_length(std::string_view bytes) {
  const std::u32string text = characters(bytes);
  size_t length = 0;
  for (const char32_t c : text) {
    if (!plain_characters().contains(c)) return 0;
    length += utf8(c).size();
  }
  return length == bytes.size() && text.find(U'\uFFFD') == text.npos ? text.size() : 0;
}

}  // namespace

TokenTrie::TokenTrie(std::span<const std::string_view> bytes_of_ids)
    : bytes_(bytes_of_ids.begin(), bytes_of_ids.end()), words_(sampling::mask_words(bytes_of_ids.size())) {
  std::vector<Token> plain, other;
  for (size_t id = 0; id < bytes_.size(); ++id) {
    if (bytes_[id].empty() || bytes_[id].size() > kLongest) continue;
    (plain_length(bytes_[id]) > 0 ? plain : other).push_back(Token(id));
  }
  build(std::move(plain), plain_);
  build(std::move(other), other_);
}

std::string_view TokenTrie::bytes(Token id) const {
  return id >= 0 && size_t(id) < bytes_.size() ? std::string_view(bytes_[size_t(id)]) : std::string_view();
}

sampling::Mask TokenTrie::ByLength::up_to(uint32_t n) const {
  if (longest_ == 0) return {};
  return {masks_.data() + size_t(std::min(n, longest_) - 1) * words_, words_};
}

/// Down the tree along the characters of the set.
TokenTrie::ByLength TokenTrie::by_length(const CharSet& set) const {
  ByLength out;
  out.words_ = words_;
  std::string path;
  for (size_t i = 0; i < plain_.size();) {
    const Node& node = plain_[i];
    path.resize(node.depth - 1u);
    path += char(node.byte);
    size_t start = path.size() - 1;  // of the character that this byte belongs to
    while (start > 0 && (uint8_t(path[start]) & 0xC0) == 0x80) --start;
    const std::u32string last = characters(std::string_view(path).substr(start));
    if (last.size() == 1 && last[0] != U'\uFFFD' && !set.contains(last[0])) {
      i = size_t(node.skip);
      continue;
    }
    if (node.count > 0) {
      if (node.plain > out.longest_) {
        out.longest_ = node.plain;
        out.masks_.resize(words_ * out.longest_);
      }
      const std::span<uint64_t> mask(out.masks_.data() + (node.plain - 1u) * words_, words_);
      for (int32_t k = 0; k < node.count; ++k) sampling::set(mask, ids_[size_t(node.first + k)], true);
    }
    ++i;
  }
  for (size_t i = words_; i < out.masks_.size(); ++i) out.masks_[i] |= out.masks_[i - words_];
  return out;
}

void TokenTrie::build(std::vector<Token> ids, std::vector<Node>& tree) {
  std::sort(ids.begin(), ids.end(), [&](Token a, Token b) {
    const int order = bytes_[size_t(a)].compare(bytes_[size_t(b)]);
    return order != 0 ? order < 0 : a < b;
  });
  std::vector<size_t> path;  // the nodes from the root to where we are
  auto close = [&](size_t depth) {
    while (path.size() > depth) {
      Node& done = tree[path.back()];
      done.skip = int32_t(tree.size());
      path.pop_back();
      if (!path.empty()) tree[path.back()].most_plain = std::max(tree[path.back()].most_plain, done.most_plain);
    }
  };
  std::string_view before;
  for (const Token id : ids) {
    const std::string_view bytes = bytes_[size_t(id)];
    const size_t common =
        size_t(std::mismatch(before.begin(), before.end(), bytes.begin(), bytes.end()).second - bytes.begin());
    close(common);
    for (size_t d = common; d < bytes.size(); ++d) {
      const uint16_t whole = path.empty() ? 0 : tree[path.back()].plain;
      // A character is counted at its last byte: one that no continuation follows.
      const bool last = d + 1 == bytes.size() || (uint8_t(bytes[d + 1]) & 0xC0) != 0x80;
      const auto plain = uint16_t(whole + (last ? 1 : 0));
      path.push_back(tree.size());
      tree.push_back({uint8_t(bytes[d]), uint16_t(d + 1), plain, plain, 0, int32_t(ids_.size()), 0});
    }
    ids_.push_back(id);
    ++tree[path.back()].count;
    before = bytes;
  }
  close(0);
}

}  // namespace apr::grammar
