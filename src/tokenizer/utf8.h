#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace apr::tokenizer {

/// What stands at a place of a text that may not be valid UTF-8.
struct Decoded {
  enum Status : uint8_t {
    Valid,
    Invalid,  ///< no text that follows could make it a character
    Cut,      ///< the text ends inside what could become a character
  };
  char32_t code_point;  ///< U+FFFD unless Valid
  uint8_t length;       ///< bytes: of the character, or of the maximal subpart that U+FFFD stands for
  Status status;
};

/// Reads the character at `pos` (needs: pos < text.size()).
/// source  Unicode 15, table 3-7 (well-formed byte sequences) and section 3.9 (maximal subparts)
inline Decoded decode_utf8(std::string_view text, size_t pos) {
  const auto lead = static_cast<uint8_t>(text[pos]);
  if (lead < 0x80) return {lead, 1, Decoded::Valid};
  if (lead < 0xC2 || lead > 0xF4) return {0xFFFD, 1, Decoded::Invalid};
  const int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  // Only the second byte has bounds of its own: they shut out overlong forms, surrogates and what lies beyond U+10FFFF.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t code_point = lead & (0x3F >> more);
  for (int i = 1; i <= more; ++i) {
    if (pos + i >= text.size()) return {0xFFFD, static_cast<uint8_t>(i), Decoded::Cut};
    const auto byte = static_cast<uint8_t>(text[pos + i]);
    if (byte < low || byte > high) return {0xFFFD, static_cast<uint8_t>(i), Decoded::Invalid};
    code_point = code_point << 6 | (byte & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {code_point, static_cast<uint8_t>(more + 1), Decoded::Valid};
}

/// Appends one code point (needs: a Unicode scalar value).
inline void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

}  // namespace apr::tokenizer
