#include "chat/jinja/text.h"

#include <utf8proc.h>

#include <algorithm>

namespace apr::chat::jinja {

void Text::append(std::string_view bytes, Origin origin) {
  if (bytes.empty()) return;
  bytes_ += bytes;
  if (!runs_.empty() && runs_.back().origin == origin) {
    runs_.back().end = bytes_.size();
  } else {
    runs_.push_back({bytes_.size(), origin});
  }
}

void Text::append(const Text& other, size_t from, size_t to) {
  auto run = std::upper_bound(other.runs_.begin(), other.runs_.end(), from,
                              [](size_t at, const Run& r) { return at < r.end; });
  for (; from < to; ++run) {
    const size_t end = std::min(to, run->end);
    append(std::string_view(other.bytes_).substr(from, end - from), run->origin);
    from = end;
  }
}

Text Text::slice(size_t from, size_t to) const {
  Text out;
  out.append(*this, from, to);
  return out;
}

Origin Text::origin_at(size_t byte) const {
  const auto run =
      std::upper_bound(runs_.begin(), runs_.end(), byte, [](size_t at, const Run& r) { return at < r.end; });
  return run == runs_.end() ? Origin::Markup : run->origin;
}

namespace {
/// Length of the character at `at`, and its code point.
size_t decode(std::string_view text, size_t at, char32_t& c) {
  utf8proc_int32_t found = 0;
  const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                  utf8proc_ssize_t(std::min<size_t>(4, text.size() - at)), &found);
  c = n > 0 ? char32_t(found) : 0xFFFD;
  return n > 0 ? size_t(n) : 1;
}
}  // namespace

size_t next_char(std::string_view text, size_t at) {
  if (static_cast<unsigned char>(text[at]) < 0x80) return at + 1;
  char32_t c;
  return at + decode(text, at, c);
}

size_t previous_char(std::string_view text, size_t at) {
  for (size_t back = 1; back <= std::min<size_t>(4, at); ++back) {
    if ((static_cast<unsigned char>(text[at - back]) & 0xC0) == 0x80) continue;
    return next_char(text, at - back) == at ? at - back : at - 1;
  }
  return at - 1;
}

size_t count_chars(std::string_view text) {
  size_t n = 0;
  for (size_t at = 0; at < text.size(); at = next_char(text, at)) ++n;
  return n;
}

size_t byte_of(std::string_view text, size_t n) {
  size_t at = 0;
  while (n-- > 0 && at < text.size()) at = next_char(text, at);
  return at;
}

char32_t code_point(std::string_view text, size_t at) {
  char32_t c;
  decode(text, at, c);
  return c;
}

void append_utf8(std::string& out, char32_t c) {
  utf8proc_uint8_t bytes[4];
  const auto n = utf8proc_encode_char(utf8proc_int32_t(c), bytes);
  out.append(reinterpret_cast<const char*>(bytes), size_t(std::max<utf8proc_ssize_t>(n, 0)));
}

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

}  // namespace apr::chat::jinja
