#include "tokenizer/specials.h"

#include <algorithm>
#include <utility>

namespace apr::tokenizer {

Specials::Specials(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::erase_if(entries_, [](const Entry& e) { return e.text.empty(); });
  std::ranges::sort(entries_, {}, [](const Entry& e) { return std::pair(std::string_view(e.text), e.token); });
  const auto repeated = std::ranges::unique(entries_, {}, &Entry::text);
  entries_.erase(repeated.begin(), repeated.end());
  for (const Entry& entry : entries_) first_byte_[static_cast<uint8_t>(entry.text[0])] = true;
}

Specials::Match Specials::find_in(std::string_view text, size_t from) const {
  for (size_t pos = from; pos < text.size(); ++pos) {
    if (!first_byte_[static_cast<uint8_t>(text[pos])]) continue;
    const Match match = longest_at(text, pos);
    if (match.token >= 0) return match;
  }
  return {text.size(), 0, -1};
}

Token Specials::find(std::string_view text) const {
  const auto at = std::ranges::lower_bound(entries_, text, {}, [](const Entry& e) { return std::string_view(e.text); });
  return at != entries_.end() && at->text == text ? at->token : -1;
}

Specials::Match Specials::longest_at(std::string_view text, size_t pos) const {
  Match longest{pos, 0, -1};
  auto low = entries_.begin(), high = entries_.end();  // the entries that agree with the text so far
  for (size_t depth = 0; pos + depth < text.size() && low != high; ++depth) {
    const auto byte = static_cast<uint8_t>(text[pos + depth]);
    // An entry that ends here sorts before those that go on.
    const auto byte_of = [depth](const Entry& e) {
      return depth < e.text.size() ? static_cast<uint8_t>(e.text[depth]) : -1;
    };
    const auto same = std::ranges::equal_range(low, high, static_cast<int>(byte), {}, byte_of);
    low = same.begin();
    high = same.end();
    if (low != high && low->text.size() == depth + 1) longest = {pos, depth + 1, low->token};
  }
  return longest;
}

}  // namespace apr::tokenizer
