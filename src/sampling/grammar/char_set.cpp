#include "sampling/grammar/char_set.h"

#include <algorithm>

namespace apr::grammar {
namespace {

constexpr char32_t kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF;

/// The least and the most that n bytes of UTF-8 can say.
constexpr CharSet::Range kByLength[] = {{0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xFFFF}, {0x10000, kLastChar}};

/// Patterns of one length for the characters from first to last. Where all of their last n bytes are free, one pattern
/// does; else the range is cut where the bits of those bytes roll over.
void add_patterns(char32_t first, char32_t last, size_t length, std::vector<Utf8Pattern>& out) {
  for (size_t free = 1; free < length; ++free) {
    const char32_t bits = (char32_t(1) << (6 * free)) - 1;
    if ((first & ~bits) == (last & ~bits)) break;
    if (first & bits) {
      add_patterns(first, first | bits, length, out);
      return add_patterns((first | bits) + 1, last, length, out);
    }
    if ((last & bits) != bits) {
      add_patterns(first, (last & ~bits) - 1, length, out);
      return add_patterns(last & ~bits, last, length, out);
    }
  }
  const std::string low = utf8(first), high = utf8(last);
  Utf8Pattern pattern;
  for (size_t i = 0; i < length; ++i) pattern.push_back({uint8_t(low[i]), uint8_t(high[i])});
  out.push_back(std::move(pattern));
}

}  // namespace

CharSet::CharSet(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  auto add = [&](char32_t first, char32_t last) {
    if (first > last) return;
    if (!ranges_.empty() && first <= ranges_.back().last + 1)
      ranges_.back().last = std::max(ranges_.back().last, last);
    else
      ranges_.push_back({first, last});
  };
  for (const Range& r : ranges) {
    add(r.first, std::min(r.last, char32_t(kFirstSurrogate - 1)));
    add(std::max(r.first, char32_t(kLastSurrogate + 1)), std::min(r.last, kLastChar));
  }
}

CharSet CharSet::operator|(const CharSet& other) const {
  std::vector<Range> both = ranges_;
  both.insert(both.end(), other.ranges_.begin(), other.ranges_.end());
  return CharSet(std::move(both));
}

CharSet CharSet::operator~() const {
  std::vector<Range> gaps;
  char32_t next = 0;
  for (const Range& r : ranges_) {
    if (r.first > next) gaps.push_back({next, r.first - 1});
    next = r.last + 1;
  }
  if (next <= kLastChar) gaps.push_back({next, kLastChar});
  return CharSet(std::move(gaps));
}

CharSet CharSet::operator&(const CharSet& other) const {
  std::vector<Range> common;
  for (size_t a = 0, b = 0; a < ranges_.size() && b < other.ranges_.size();) {
    const Range &x = ranges_[a], &y = other.ranges_[b];
    const char32_t first = std::max(x.first, y.first), last = std::min(x.last, y.last);
    if (first <= last) common.push_back({first, last});
    x.last < y.last ? ++a : ++b;
  }
  return CharSet(std::move(common));
}

bool CharSet::contains(char32_t c) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), c,
                                      [](char32_t value, const Range& r) { return value < r.first; });
  return after != ranges_.begin() && c <= std::prev(after)->last;
}

std::vector<Utf8Pattern> utf8_patterns(const CharSet& chars) {
  std::vector<Utf8Pattern> patterns;
  for (const CharSet::Range& range : chars.ranges()) {
    for (size_t n = 0; n < 4; ++n) {
      const char32_t first = std::max(range.first, kByLength[n].first), last = std::min(range.last, kByLength[n].last);
      if (first <= last) add_patterns(first, last, n + 1, patterns);
    }
  }
  return patterns;
}

std::string utf8(char32_t c) {
  auto byte = [](char32_t bits) { return char(uint8_t(bits)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
}

std::u32string characters(std::string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = uint8_t(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
    char32_t c = length == 1 ? lead : lead & (0x7F >> length);
    bool good = length != 0 && i + length <= text.size();
    for (size_t k = 1; good && k < length; ++k) {
      good = (uint8_t(text[i + k]) & 0xC0) == 0x80;
      c = c << 6 | (uint8_t(text[i + k]) & 0x3F);
    }
    if (good && length > 1) {
      good = c >= kByLength[length - 1].first && c <= kLastChar && (c < kFirstSurrogate || c > kLastSurrogate);
    }
    out.push_back(good ? c : U'\uFFFD');
    i += good ? length : 1;
  }
  return out;
}

}  // namespace apr::grammar
