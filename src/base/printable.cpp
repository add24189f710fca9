#include "base/printable.h"

#include <fmt/format.h>

#include <cstdint>

namespace apr {
namespace {

struct Decoded {
  uint32_t code = 0;
  size_t length = 0;  ///< bytes; 0 = not UTF-8
};

/// The character that text starts with (RFC 3629: shortest form, no surrogates, at most U+10FFFF).
Decoded first_character(std::string_view text) {
  auto byte = [&](size_t i) { return uint8_t(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  uint32_t code = lead & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kShortest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kShortest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, length};
}

bool may_be_shown(uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool line_break = code == 0x2028 || code == 0x2029;
  const bool direction =
      code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return !control && !line_break && !direction && code != 0xfeff;
}

std::string escaped(char c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return fmt::format("\\x{:02x}", uint8_t(c));
  }
}

}  // namespace

std::string printable(std::string_view text, size_t max_bytes) {
  std::string out;
  while (!text.empty()) {
    const Decoded character = first_character(text);
    const bool plain = character.length > 0 && may_be_shown(character.code);
    const size_t used = plain ? character.length : 1;
    const std::string piece = plain ? std::string(text.substr(0, used)) : escaped(text[0]);
    if (out.size() + piece.size() > max_bytes) return out + "…";
    out += piece;
    text.remove_prefix(used);
  }
  return out;
}

std::string shown(const std::filesystem::path& path) { return printable(path.string(), 300); }

}  // namespace apr
