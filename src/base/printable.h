#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace apr {

/// Bytes of unknown origin, fit for a message: UTF-8 stays; control characters, characters that steer a terminal or the
/// direction of text, and bytes that are no UTF-8 become escapes such as \x1b; what is longer than max_bytes is cut,
/// and ends in "…".
///
/// units   bytes of the result, without the "…"
/// errors  none
/// threads pure
std::string printable(std::string_view text, size_t max_bytes = 80);

/// A path, likewise; cut when it is very long.
std::string shown(const std::filesystem::path& path);

}  // namespace apr
