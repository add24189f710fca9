#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace apr::chat {

using Json = nlohmann::ordered_json;

/// Messages as templates want them, from the shapes that real clients send.
///
/// Each becomes {"role", "content", …} with text for content:
/// - the role "developer" is "system"; "function" is "tool"
/// - content parts are joined with a newline; null, or none at all, is the empty text
/// - arguments of tool calls that came as JSON text become the object that they hold (an empty text: an empty object);
///   text that is no object is kept as {"arguments": text}, with a note
/// - a tool call without "type" or "function" around it, as some clients send it, gets them
/// All other fields stay as they are and where they are.
///
/// trust   untrusted: any JSON
/// errors  BadInput with the place ("messages[2].content[0].type"), what was found and what is expected: no list, no
///         object, an unknown role, content that is neither text nor parts, parts that are no text (images, files)
struct Messages {
  Json list;                       ///< an array
  std::vector<std::string> notes;  ///< what was changed and may surprise, a sentence each
};
Messages normalise(const Json& messages);

/// What templates that insist on the order of roles accept: system messages after the first turn become part of the
/// user's message behind them, or else of the one before; neighbours with the same role (but tool results) become one.
/// Their texts stand apart by an empty line. A prompt's beginning does not change by it, so caches of it hold.
///
/// needs   what normalise() made
Json merge_turns(const Json& messages);

}  // namespace apr::chat
