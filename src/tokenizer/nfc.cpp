#include "tokenizer/nfc.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "tokenizer/unicode.h"
#include "tokenizer/utf8.h"

namespace apr::tokenizer {
namespace {

// utf8proc gives the data only. Its own normalisation sorts marks in quadratic time, and drops U+11A7 after a Hangul
// syllable (it takes it for the trailing consonant number 0).

struct Mark {
  char32_t code_point;
  int combining_class;
  size_t place;  // in the decomposed text: marks of one class keep their order
};

constexpr char32_t kSyllables = 0xAC00, kLeads = 0x1100, kVowels = 0x1161, kTails = 0x11A7;
constexpr char32_t kLeadCount = 19, kVowelCount = 21, kTailCount = 28, kSyllableCount = 11172;

/// The composite of two code points, or 0. Tail 0 means "no tail" and is no character, hence the > 0.
char32_t compose(char32_t a, char32_t b) {
  if (a - kLeads < kLeadCount && b - kVowels < kVowelCount) {
    return kSyllables + ((a - kLeads) * kVowelCount + (b - kVowels)) * kTailCount;
  }
  if (a - kSyllables < kSyllableCount && (a - kSyllables) % kTailCount == 0 && b > kTails && b - kTails < kTailCount) {
    return a + (b - kTails);
  }
  if (b - kTails < kTailCount) return 0;
  utf8proc_int32_t pair[2] = {static_cast<utf8proc_int32_t>(a), static_cast<utf8proc_int32_t>(b)};
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  return utf8proc_normalize_utf32(pair, 2, options) == 1 ? static_cast<char32_t>(pair[0]) : 0;
}

void decompose(std::string_view text, std::vector<Mark>& out) {
  for (size_t pos = 0; pos < text.size();) {
    const Decoded at = decode_utf8(text, pos);
    utf8proc_int32_t parts[32];
    int boundary = 0;
    const auto c = static_cast<utf8proc_int32_t>(at.code_point);
    const utf8proc_ssize_t n = utf8proc_decompose_char(c, parts, 32, UTF8PROC_DECOMPOSE, &boundary);
    for (utf8proc_ssize_t i = 0; i < n; ++i) {
      out.push_back({static_cast<char32_t>(parts[i]), utf8proc_get_property(parts[i])->combining_class, out.size()});
    }
    pos += at.length;
  }
}

/// Canonical order: within each run of marks by class, equal ones as they stood.
void order(std::vector<Mark>& marks) {
  const auto is_starter = [](const Mark& m) { return m.combining_class == 0; };
  for (auto begin = marks.begin(); begin != marks.end();) {
    begin = std::find_if_not(begin, marks.end(), is_starter);
    const auto end = std::find_if(begin, marks.end(), is_starter);
    std::sort(begin, end, [](const Mark& a, const Mark& b) {
      return std::pair(a.combining_class, a.place) < std::pair(b.combining_class, b.place);
    });
    begin = end;
  }
}

/// Joins each mark to the last starter unless something between them blocks it; works in place.
void compose(std::vector<Mark>& marks) {
  constexpr size_t kNoStarter = SIZE_MAX;
  size_t starter = kNoStarter, kept = 0;
  for (const Mark mark : marks) {
    const bool next_to_starter = starter != kNoStarter && starter + 1 == kept;
    const bool reaches =
        starter != kNoStarter && (next_to_starter || marks[kept - 1].combining_class < mark.combining_class);
    if (reaches) {
      if (const char32_t composite = compose(marks[starter].code_point, mark.code_point)) {
        marks[starter].code_point = composite;
        continue;
      }
    }
    if (mark.combining_class == 0) starter = kept;
    marks[kept++] = mark;
  }
  marks.resize(kept);
}

void append_normalised(std::string_view segment, std::vector<Mark>& marks, std::string& out) {
  marks.clear();
  decompose(segment, marks);
  order(marks);
  compose(marks);
  for (const Mark& mark : marks) append_utf8(out, mark.code_point);
}

size_t skip_ascii(std::string_view text, size_t pos) {
  for (; pos + 8 <= text.size(); pos += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + pos, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (pos < text.size() && static_cast<uint8_t>(text[pos]) < 0x80) ++pos;
  return pos;
}

struct Check {
  bool valid = true;
  bool in_nfc = true;
};

Check check(std::string_view text) {
  Check found;
  for (size_t pos = skip_ascii(text, 0); pos < text.size(); pos = skip_ascii(text, pos)) {
    const Decoded at = decode_utf8(text, pos);
    if (at.status != Decoded::Valid) return {false, false};
    if (!starts_nfc_segment(at.code_point)) found.in_nfc = false;
    pos += at.length;
  }
  return found;
}

}  // namespace

std::string_view nfc(std::string_view text, std::string& buffer) {
  const Check found = check(text);
  if (!found.valid || found.in_nfc) return text;
  buffer.clear();
  buffer.reserve(text.size() + text.size() / 8);
  std::vector<Mark> marks;
  size_t segment = 0;  // where the last code point that starts one stands
  size_t done = 0;     // text before it is in the buffer
  bool changes = false;
  const auto flush = [&](size_t end) {
    if (!changes) return;
    buffer.append(text, done, segment - done);
    append_normalised(text.substr(segment, end - segment), marks, buffer);
    done = end;
    changes = false;
  };
  for (size_t pos = 0; pos < text.size();) {
    const Decoded at = decode_utf8(text, pos);
    if (starts_nfc_segment(at.code_point)) {
      flush(pos);
      segment = pos;
    } else {
      changes = true;
    }
    pos += at.length;
  }
  flush(text.size());
  return buffer.append(text, done);
}

}  // namespace apr::tokenizer
