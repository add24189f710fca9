#include "chat/segments.h"

namespace apr::chat {

void append(Segments& segments, Origin origin, std::string_view text) {
  if (text.empty()) return;
  if (!segments.empty() && segments.back().origin == origin && origin != Origin::Verbatim) {
    segments.back().text += text;
  } else {
    segments.push_back({origin, std::string(text)});
  }
}

std::string text_of(const Segments& segments) {
  std::string all;
  for (const Segment& s : segments) all += s.text;
  return all;
}

}  // namespace apr::chat
