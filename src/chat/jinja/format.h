#pragma once
#include "chat/jinja/evaluator.h"

namespace apr::chat::jinja {

/// Python's `format % arguments`: %s %r %d %i %u %x %X %o %c %f %F %e %E %g %G %%, with flags, width and precision, and
/// %(name)s of named arguments or of a dict.
Value format_percent(Evaluator& e, const Text& format, const Arguments& arguments);

/// Python's format.format(…): {} {0} {name} {name.attribute} {name[item]}, !s and !r, and the format language for text
/// and numbers.
Value format_braces(Evaluator& e, const Text& format, const Arguments& arguments);

/// Text brought to `width` characters with `fill`; align is '<', '>' or '^'.
Text aligned(Evaluator& e, const Text& text, char align, int64_t width, std::string_view fill);

}  // namespace apr::chat::jinja
