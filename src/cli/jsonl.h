#pragma once
#include <functional>

#include "cli/terminal.h"

namespace apr::cli {

/// Reads a JSON object per line from standard input and prints what `answer` makes of it, a line for each, at once. For
/// a line that is no JSON object, and where `answer` throws an Error, it is {"error": sentence}.
///
/// Returns the exit code: 0, or that of BadInput when there was a line that could not be read.
int each_json_line(const std::function<Json(const Json&)>& answer);

}  // namespace apr::cli
