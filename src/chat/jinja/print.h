#pragma once
#include <string>

#include "chat/jinja/limits.h"

namespace apr::chat::jinja {

/// Python's str(): text as it is, nothing of what is undefined, True, None, 1e-05, ['a', 1].
Text to_text(const Value& value, Budget& budget);
/// Python's repr(): text in quotes.
Text repr(const Value& value, Budget& budget);
/// Python's repr() of a float: the shortest digits that mean it.
std::string float_repr(double d);

/// How json.dumps() is asked to write.
struct JsonStyle {
  std::string item_separator = ", ", key_separator = ": ";
  std::string indent;  ///< of each level
  bool lines = false;  ///< an item a line
  bool sort_keys = false, ascii = false;
};
/// json.dumps(). What is text in the value keeps its origin; the rest has the origin of text that callers gave.
/// errors  Trouble for what JSON cannot hold
Text to_json(const Value& value, const JsonStyle& style, Budget& budget);

}  // namespace apr::chat::jinja
