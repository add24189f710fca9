#pragma once
#include <span>
#include <string>
#include <vector>

#include "sampling/grammar/char_set.h"
#include "sampling/grammar/rules.h"

namespace apr::grammar {

/// A set of texts, as a machine that is in one state at a time. The first state is the start.
///
/// errors  UnsupportedOperation where a machine would have more than kMostStates
struct CharAutomaton {
  static constexpr size_t kMostStates = 20'000;
  struct Edge {
    CharSet chars;
    int to;
  };
  struct State {
    bool accepts;
    std::vector<Edge> edges;  ///< none overlaps another; a character without an edge fits nothing
  };
  std::vector<State> states;

  bool matches(std::u32string_view text) const;
};

/// All texts of so many characters. `most` may be Expr::kEndless.
CharAutomaton texts_of_length(uint32_t least, uint32_t most);
/// All texts but these.
CharAutomaton texts_other_than(std::span<const std::string> texts);
/// All texts in which none of these stands. needs: no empty one
CharAutomaton texts_without(std::span<const std::string> parts);
/// The texts that are in both.
CharAutomaton both(const CharAutomaton& a, const CharAutomaton& b);

/// How a character of a text is written.
enum class Spelling {
  Raw,   ///< as itself
  Json,  ///< within quotes: as itself, or where it cannot be, in the one shortest escape
};
/// A set of characters, each in its spelling.
Expr spell(const CharSet& chars, Spelling spelling);
/// A text in its spelling, without quotes.
std::string spell(std::u32string_view text, Spelling spelling);
/// An expression over characters, each of them in its spelling. needs: no rules in it
Expr spell(Expr expr, Spelling spelling);
/// Adds rules that match the texts of a machine in a spelling.
Expr rules_of(const CharAutomaton& texts, Spelling spelling, Rules& rules);

}  // namespace apr::grammar
