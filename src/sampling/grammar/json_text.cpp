#include "sampling/grammar/json_text.h"

#include "sampling/grammar/numbers.h"
#include "sampling/grammar/program.h"

namespace apr::grammar {
namespace {

Expr one_of(std::string_view characters) {
  std::vector<CharSet::Range> ranges;
  for (const char c : characters) ranges.push_back({char32_t(c), char32_t(c)});
  return chars(CharSet(std::move(ranges)));
}

}  // namespace

Expr gap() { return choice({empty(), bytes(" "), sequence({bytes("\n"), repeat(bytes(" "), 0, 20)})}); }

Expr colon() { return sequence({bytes(":"), maybe(bytes(" "))}); }

/// \u escapes of characters beyond U+FFFF are pairs of surrogates; half of one is no character. source: RFC 8259, §7
Expr string_character() {
  const Expr hex = one_of("0123456789abcdefABCDEF"), three = repeat(hex, 3, 3), two = repeat(hex, 2, 2);
  const Expr no_surrogate =
      choice({sequence({one_of("0123456789abcefABCEF"), three}), sequence({one_of("dD"), one_of("01234567"), two})});
  const Expr pair =
      sequence({one_of("dD"), one_of("89abAB"), two, bytes("\\u"), one_of("dD"), one_of("cdefCDEF"), two});
  return choice({chars(plain_characters()), sequence({bytes("\\"), one_of("\"\\/bfnrt")}),
                 sequence({bytes("\\u"), choice({no_surrogate, pair})})});
}

Expr any_string(uint32_t least, uint32_t most) {
  return sequence({bytes("\""), repeat(string_character(), least, most), bytes("\"")});
}

Expr listed(const Expr& item, char open, char close, uint32_t least, uint32_t most) {
  const Expr begin = bytes({&open, 1}), end = bytes({&close, 1});
  if (least > most) return nothing();
  const Expr none = sequence({begin, end});
  if (most == 0) return none;
  const uint32_t more_least = least > 0 ? least - 1 : 0, more_most = most == Expr::kEndless ? most : most - 1;
  const Expr more = repeat(sequence({bytes(","), gap(), item}), more_least, more_most);
  const Expr some = sequence({begin, gap(), item, more, gap(), end});
  return least > 0 ? some : choice({none, some});
}

Expr FreeValues::value() {
  if (rule_ >= 0) return rule(rule_);
  const Expr flat = choice({any_string(), numbers({}, {}, rules_), bytes("true"), bytes("false"), bytes("null")});
  Expr inner = flat;
  for (int depth = 0; depth < kFreeDepth; ++depth) {
    const Expr member = sequence({any_string(), colon(), inner});
    rule_ = rules_.add("value", choice({flat, listed(member, '{', '}'), listed(inner, '[', ']')}));
    inner = rule(rule_);
  }
  return inner;
}

}  // namespace apr::grammar
