#pragma once
#include <string_view>

#include "sampling/grammar/rules.h"

namespace apr::grammar {

/// Reads a grammar in llama.cpp's GBNF: rules `name ::= …` with "text", [a-z], [^"], ., (…), |, * + ? {m} {m,} {m,n},
/// # comments. The text to match is that of rule `root`.
///
/// trust   untrusted
/// errors  BadInput with line and column: what was found, what is expected; a rule that is missing or there twice.
///         UnsupportedOperation for tokens named in the grammar, <…>
/// source  llama.cpp, grammars/README.md (the notation)
Rules read_gbnf(std::string_view text);

}  // namespace apr::grammar
