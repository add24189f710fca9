#include "chat/jinja/letters.h"

#include <utf8proc.h>

namespace apr::chat::jinja {
namespace {

using Utf8procMap = utf8proc_int32_t (*)(utf8proc_int32_t);

char ascii(char c, Utf8procMap map) {
  if (c >= 'a' && c <= 'z' && map != utf8proc_tolower) return char(c - 32);
  return c >= 'A' && c <= 'Z' && map == utf8proc_tolower ? char(c + 32) : c;
}

Text map_characters(const Text& text, Utf8procMap map) {
  return text.mapped([&](std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (size_t at = 0; at < bytes.size(); at = next_char(bytes, at)) {
      if (static_cast<unsigned char>(bytes[at]) < 0x80) {
        out += ascii(bytes[at], map);
        continue;
      }
      const char32_t c = code_point(bytes, at);
      if (c == 0xFFFD) {
        out += bytes.substr(at, next_char(bytes, at) - at);
      } else if (c == 0xDF && map == utf8proc_toupper) {
        out += "SS";
      } else {
        append_utf8(out, char32_t(map(utf8proc_int32_t(c))));
      }
    }
    return out;
  });
}

bool is_cased(char32_t c) { return utf8proc_isupper(utf8proc_int32_t(c)) || utf8proc_islower(utf8proc_int32_t(c)); }

bool is_letter(char32_t c) {
  const auto k = utf8proc_category(utf8proc_int32_t(c));
  return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}
bool is_number(char32_t c) { return utf8proc_category(utf8proc_int32_t(c)) == UTF8PROC_CATEGORY_ND; }

template <class Holds>
bool every(std::string_view text, Holds holds) {
  for (size_t at = 0; at < text.size(); at = next_char(text, at)) {
    if (!holds(code_point(text, at))) return false;
  }
  return !text.empty();
}

}  // namespace

Text titled(const Text& text) {
  Text out;
  bool in_word = false;
  text.each_run([&](std::string_view bytes, Origin origin) {
    std::string piece;
    for (size_t at = 0; at < bytes.size(); at = next_char(bytes, at)) {
      const char32_t c = code_point(bytes, at);
      if (c == 0xDF && !in_word) {
        piece += "Ss";
      } else {
        append_utf8(piece,
                    char32_t(in_word ? utf8proc_tolower(utf8proc_int32_t(c)) : utf8proc_totitle(utf8proc_int32_t(c))));
      }
      in_word = is_cased(c);
    }
    out.append(piece, origin);
  });
  return out;
}

Text swapped(const Text& text) {
  Text out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = next_char(text.view(), at);
    const Text one = text.slice(at, end);
    out.append(utf8proc_isupper(utf8proc_int32_t(code_point(text.view(), at))) ? lower(one) : upper(one));
    at = end;
  }
  return out;
}

Text upper(const Text& text) { return map_characters(text, utf8proc_toupper); }
Text lower(const Text& text) { return map_characters(text, utf8proc_tolower); }

Text capitalized(const Text& text) {
  if (text.empty()) return text;
  const size_t first = next_char(text.view(), 0);
  Text out = map_characters(text.slice(0, first), utf8proc_totitle);
  out.append(lower(text.slice(first, text.size())));
  return out;
}

bool is_upper(std::string_view text) {
  bool any = false;
  for (size_t at = 0; at < text.size(); at = next_char(text, at)) {
    const auto c = utf8proc_int32_t(code_point(text, at));
    if (utf8proc_islower(c)) return false;
    any |= utf8proc_isupper(c) != 0;
  }
  return any;
}

bool is_lower(std::string_view text) {
  bool any = false;
  for (size_t at = 0; at < text.size(); at = next_char(text, at)) {
    const auto c = utf8proc_int32_t(code_point(text, at));
    if (utf8proc_isupper(c)) return false;
    any |= utf8proc_islower(c) != 0;
  }
  return any;
}

bool is_alpha(std::string_view s) { return every(s, is_letter); }
bool is_digit(std::string_view s) { return every(s, is_number); }
bool is_alnum(std::string_view s) {
  return every(s, [](char32_t c) { return is_letter(c) || is_number(c); });
}
bool is_all_space(std::string_view s) { return every(s, is_space); }
bool is_ascii(std::string_view s) {
  return s.empty() || every(s, [](char32_t c) { return c < 0x80; });
}

bool is_titled(std::string_view s) {
  bool in_word = false, any = false;
  for (size_t at = 0; at < s.size(); at = next_char(s, at)) {
    const auto c = utf8proc_int32_t(code_point(s, at));
    if (utf8proc_isupper(c) ? in_word : utf8proc_islower(c) && !in_word) return false;
    in_word = is_cased(char32_t(c));
    any |= in_word;
  }
  return any;
}

}  // namespace apr::chat::jinja
