#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <array>
#include <vector>

namespace apr::tokenizer {
namespace {

// Above plane 2 nothing decomposes and little is used: those code points are looked up in utf8proc each time.
constexpr utf8proc_int32_t kTabled = 0x30000;
constexpr uint8_t kSegmentStart = 1 << 7;
constexpr utf8proc_option_t kCompose = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);

bool is_white_space(utf8proc_int32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

Class classify(utf8proc_int32_t c) {
  if (c == '\r' || c == '\n') return Newline;
  if (is_white_space(c)) return Blank;
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Number;
    default:
      return Symbol;
  }
}

struct Decomposition {
  utf8proc_int32_t whole, first, last;
  bool comes_back;  // composing it again gives the code point it came from
};

struct Table {
  std::array<uint8_t, kTabled> bits{};
  Table();

 private:
  std::vector<Decomposition> decompositions() const;
};

std::vector<Decomposition> Table::decompositions() const {
  std::vector<Decomposition> all;
  for (utf8proc_int32_t c = 0; c < kTabled; ++c) {
    utf8proc_int32_t parts[32];
    int boundary = 0;
    const utf8proc_ssize_t n = utf8proc_decompose_char(c, parts, 32, UTF8PROC_DECOMPOSE, &boundary);
    if (n < 1 || (n == 1 && parts[0] == c)) continue;
    const utf8proc_int32_t first = parts[0], last = parts[n - 1];
    const bool comes_back = utf8proc_normalize_utf32(parts, n, kCompose) == 1 && parts[0] == c;
    all.push_back({c, first, n > 1 ? last : 0, comes_back});
  }
  return all;
}

Table::Table() {
  for (utf8proc_int32_t c = 0; c < kTabled; ++c) {
    bits[c] = classify(c) | (utf8proc_get_property(c)->combining_class == 0 ? kSegmentStart : 0);
  }
  const std::vector<Decomposition> all = decompositions();
  // The last part of a composite (an accent, a Hangul vowel) may join what stands before it.
  for (const Decomposition& d : all) {
    if (d.last != 0) bits[d.last] &= ~kSegmentStart;
  }
  for (const Decomposition& d : all) {
    if (!d.comes_back || !(bits[d.first] & kSegmentStart)) bits[d.whole] &= ~kSegmentStart;
  }
}

const Table& table() {
  static const Table once;
  return once;
}

}  // namespace

Class class_of(char32_t code_point) {
  if (code_point < kTabled) return static_cast<Class>(table().bits[code_point] & ~kSegmentStart);
  return classify(static_cast<utf8proc_int32_t>(code_point));
}

bool starts_nfc_segment(char32_t code_point) {
  if (code_point < kTabled) return table().bits[code_point] & kSegmentStart;
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(code_point))->combining_class == 0;
}

}  // namespace apr::tokenizer
