#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/grammar/char_set.h"

namespace apr::grammar {

/// What may stand at one place of a text. A choice of nothing matches nothing; a sequence of nothing the empty text.
struct Expr {
  enum class Kind : uint8_t {
    Bytes,     ///< these bytes
    Chars,     ///< one character of a set
    Sequence,  ///< the parts, one after another
    Choice,    ///< one of the parts
    Repeat,    ///< the one part, `least` to `most` times
    Rule,      ///< what rule number `rule` matches
  };
  static constexpr uint32_t kEndless = std::numeric_limits<uint32_t>::max();

  Kind kind = Kind::Sequence;
  std::string bytes = {};
  CharSet chars = {};
  std::vector<Expr> parts = {};
  uint32_t least = 0, most = kEndless;
  int rule = -1;
};

Expr bytes(std::string_view text);
Expr chars(CharSet set);
Expr sequence(std::vector<Expr> parts);
Expr choice(std::vector<Expr> parts);
Expr repeat(Expr part, uint32_t least, uint32_t most = Expr::kEndless);
Expr maybe(Expr part);
Expr rule(int number);
Expr nothing();  ///< matches no text at all
Expr empty();    ///< matches the empty text

/// A context-free grammar over characters.
///
/// A rule that no other begins with may be put off: added first, defined when all that it needs is known.
class Rules {
 public:
  int add(std::string name);
  void define(int number, Expr expr) { list_[size_t(number)].expr = std::move(expr); }
  int add(std::string name, Expr expr);
  size_t size() const { return list_.size(); }
  const std::string& name(int number) const { return list_[size_t(number)].name; }
  const Expr& expr(int number) const { return list_[size_t(number)].expr; }

  int root = 0;

 private:
  struct Entry {
    std::string name;
    Expr expr;
  };
  std::vector<Entry> list_;
};

}  // namespace apr::grammar
