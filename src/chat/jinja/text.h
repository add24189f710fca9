#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "chat/segments.h"

namespace apr::chat::jinja {

/// A string of a template: UTF-8, and for each byte where it comes from. Operations keep origins; comparing ignores
/// them.
///
/// threads const after construction
class Text {
 public:
  Text() = default;
  Text(std::string_view bytes, Origin origin) { append(bytes, origin); }

  std::string_view view() const { return bytes_; }
  const std::string& str() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  void append(std::string_view bytes, Origin origin);
  void append(const Text& other) { append(other, 0, other.size()); }
  /// Bytes from … to-1 of another string.
  void append(const Text& other, size_t from, size_t to);
  Text slice(size_t from, size_t to) const;
  /// The origin of what stands at a byte; of an empty string, Markup.
  Origin origin_at(size_t byte) const;

  /// body(bytes, origin) for each stretch of one origin, in order.
  template <class Body>
  void each_run(Body body) const {
    size_t from = 0;
    for (const Run& r : runs_) {
      body(std::string_view(bytes_).substr(from, r.end - from), r.origin);
      from = r.end;
    }
  }
  /// The string with change(bytes) in place of the bytes of each stretch.
  template <class Change>
  Text mapped(Change change) const {
    Text out;
    each_run([&](std::string_view bytes, Origin origin) { out.append(change(bytes), origin); });
    return out;
  }

 private:
  struct Run {
    size_t end;
    Origin origin;
  };
  std::string bytes_;
  std::vector<Run> runs_;  // neighbours differ
};

// Positions in characters, as Python counts them. A byte that is no UTF-8 counts as a character.

/// Where the character that begins at `at` ends.
size_t next_char(std::string_view text, size_t at);
/// Where the character that ends at `at` begins. needs: at > 0
size_t previous_char(std::string_view text, size_t at);
size_t count_chars(std::string_view text);
/// Where character number n begins; the end where there are fewer.
size_t byte_of(std::string_view text, size_t n);
/// The code point of the character that begins at `at`; U+FFFD for what is no UTF-8.
char32_t code_point(std::string_view text, size_t at);
void append_utf8(std::string& out, char32_t c);

/// What Python's str.isspace() holds for.
bool is_space(char32_t c);

}  // namespace apr::chat::jinja
