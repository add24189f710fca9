#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace apr::chat {

/// Where a piece of a prompt comes from, which says what it may become.
enum class Origin : uint8_t {
  Markup,    ///< written in the template: control tokens such as <|im_start|> are recognised in it
  Text,      ///< of a message, a tool or a document: text, whatever it looks like
  Verbatim,  ///< a key that stands for tokens which the caller has kept, see chat::Replay
};

/// A piece of a rendered prompt. Neighbours have different origins, except that each Verbatim is a piece of its own.
struct Segment {
  Origin origin;
  std::string text;  ///< UTF-8
  bool operator==(const Segment&) const = default;
};
using Segments = std::vector<Segment>;

/// Adds a piece, to the last one where the origin is the same. An empty one changes nothing.
void append(Segments& segments, Origin origin, std::string_view text);

/// All pieces in a row.
std::string text_of(const Segments& segments);

}  // namespace apr::chat
