#pragma once
#include <string_view>

namespace apr::grammar {

/// What a "format" of JSON Schema asks of a string.
enum class FormatKind {
  Pattern,  ///< a regular expression says it
  Note,     ///< a hint to whoever reads the value, which bounds nothing (int64, byte, …)
  Unknown,
};
struct Format {
  FormatKind kind;
  std::string_view pattern = {};
};

/// Patterns allow a little less than the format does (no 29th of February, no quoted local parts of mail addresses), so
/// that every strict reader accepts what they allow.
/// source  JSON Schema draft 2020-12, validation, §7.3; RFC 3339, 4122, 5321, 3986; OpenAPI 3 for the notes
Format format_named(std::string_view name);

}  // namespace apr::grammar
