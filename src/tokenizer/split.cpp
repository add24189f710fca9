#include "tokenizer/split.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "tokenizer/unicode.h"
#include "tokenizer/utf8.h"

// Each first_piece is the leftmost alternative of its published regular expression that matches, written out by hand.
// The expressions try their alternatives in order; the functions below keep that order.

namespace apr::tokenizer {
namespace {

constexpr std::array<Class, 128> kAscii = [] {
  std::array<Class, 128> classes{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c == '\r' || c == '\n')
      classes[c] = Newline;
    else if (c == ' ' || (c >= '\t' && c <= '\r'))
      classes[c] = Blank;
    else if (c >= '0' && c <= '9')
      classes[c] = Number;
    else
      classes[c] = letter ? Letter : Symbol;
  }
  return classes;
}();

/// One character, or None of length 0 at the end of the text.
struct Unit {
  Class cls;
  uint8_t length;
};

inline Unit unit_at(std::string_view text, size_t pos) {
  if (pos >= text.size()) return {None, 0};
  const auto byte = static_cast<uint8_t>(text[pos]);
  if (byte < 0x80) return {kAscii[byte], 1};
  const Decoded at = decode_utf8(text, pos);
  return {at.status == Decoded::Valid ? class_of(at.code_point) : Symbol, at.length};
}

/// The end of the run of characters of these classes that begins at pos.
template <uint8_t Classes>
inline size_t run(std::string_view text, size_t pos) {
  for (;;) {
    const Unit unit = unit_at(text, pos);
    if (!(unit.cls & Classes)) return pos;
    pos += unit.length;
  }
}

/// 's 't 're 've 'm 'll 'd in lower case: its length, or 0.
size_t contraction(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  switch (text[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return text.size() > 2 && text[2] == 'e' ? 3 : 0;
    case 'l':
      return text.size() > 2 && text[2] == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

/// The same in any case. U+017F (long s) is s by simple case folding, and so the reference engine matches it too.
size_t contraction_any_case(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  if (text.substr(1, 2) == "\u017F") return 3;
  char lower[3] = {'\'', 0, 0};
  const size_t length = std::min<size_t>(text.size(), 3);
  for (size_t i = 1; i < length; ++i)
    lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
  return contraction({lower, length});
}

/// \s+(?!\S)|\s+ : white space, but its last character is left to a word that follows.
size_t white_space(std::string_view text) {
  size_t end = 0, last = 0;
  for (Unit unit = unit_at(text, 0); unit.cls & kSpace; unit = unit_at(text, end)) {
    last = end;
    end += unit.length;
  }
  return end == text.size() || last == 0 ? end : last;
}

/// \s*[\r\n]+|\s+(?!\S)|\s+ : white space up to its last newline, if it has any.
size_t white_space_by_line(std::string_view text) {
  size_t end = 0, after_newline = 0;
  for (Unit unit = unit_at(text, 0); unit.cls & kSpace; unit = unit_at(text, end)) {
    end += unit.length;
    if (unit.cls == Newline) after_newline = end;
  }
  return after_newline != 0 ? after_newline : white_space(text);
}

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2(std::string_view text) {
  if (const size_t length = contraction(text)) return length;
  const size_t body = text[0] == ' ' ? 1 : 0;
  switch (unit_at(text, body).cls) {
    case Letter:
      return run<Letter>(text, body);
    case Number:
      return run<Number>(text, body);
    case Symbol:
      return run<Symbol>(text, body);
    default:
      return white_space(text);
  }
}

/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,D}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <int Digits>
size_t by_line(std::string_view text) {
  if (const size_t length = contraction_any_case(text)) return length;
  const Unit first = unit_at(text, 0);
  if (first.cls == Letter) return run<Letter>(text, first.length);
  if (first.cls == Number) {
    size_t end = first.length;
    for (int digits = 1; digits < Digits; ++digits) {
      const Unit next = unit_at(text, end);
      if (next.cls != Number) break;
      end += next.length;
    }
    return end;
  }
  const Class second = unit_at(text, first.length).cls;
  if (first.cls != Newline && second == Letter) return run<Letter>(text, first.length);
  if (first.cls == Symbol || (text[0] == ' ' && second == Symbol))
    return run<Newline>(text, run<Symbol>(text, first.length));
  return white_space_by_line(text);
}

constexpr PreTokenizer kAll[] = {
    {.name = "qwen2", .first_piece = by_line<1>, .nfc = true, .whole_pieces = false},
    {.name = "gpt-2", .first_piece = gpt2, .nfc = false, .whole_pieces = false},
    {.name = "llama-bpe", .first_piece = by_line<3>, .nfc = false, .whole_pieces = true},
};

}  // namespace

std::span<const PreTokenizer> pre_tokenizers() { return kAll; }

const PreTokenizer* find_pre_tokenizer(std::string_view name) {
  const auto row = std::ranges::find(kAll, name, &PreTokenizer::name);
  return row == std::end(kAll) ? nullptr : row;
}

}  // namespace apr::tokenizer
