#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "sampling/grammar/char_automaton.h"

namespace apr::grammar {

/// The texts in which a regular expression, as JSON Schema has them (ECMA-262), finds a match.
///
/// Where readers of ECMA's and Python's expressions disagree on what \d \w \s or their opposites hold beyond ASCII,
/// only what both hold is taken.
///
/// trust   untrusted
/// errors  BadInput where the expression is wrong; UnsupportedOperation for look-around, back references, word
///         boundaries, properties (\p), flags, and for expressions that take too many states; `where` begins the
///         message
CharAutomaton texts_matching(std::string_view pattern, const std::string& where);

/// The same as an expression over characters, where the pattern has ^ at its beginning, $ at its end, and neither
/// within: then no machine is needed. nullopt for all others.
std::optional<Expr> whole_text(std::string_view pattern, const std::string& where);

}  // namespace apr::grammar
