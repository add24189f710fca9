#include "sampling/grammar/rules.h"

namespace apr::grammar {

Expr bytes(std::string_view text) { return {.kind = Expr::Kind::Bytes, .bytes = std::string(text)}; }
Expr chars(CharSet set) { return {.kind = Expr::Kind::Chars, .chars = std::move(set)}; }
Expr sequence(std::vector<Expr> parts) { return {.kind = Expr::Kind::Sequence, .parts = std::move(parts)}; }
Expr choice(std::vector<Expr> parts) { return {.kind = Expr::Kind::Choice, .parts = std::move(parts)}; }
Expr maybe(Expr part) { return choice({std::move(part), empty()}); }
Expr rule(int number) { return {.kind = Expr::Kind::Rule, .rule = number}; }
Expr nothing() { return {.kind = Expr::Kind::Choice}; }
Expr empty() { return {.kind = Expr::Kind::Sequence}; }

Expr repeat(Expr part, uint32_t least, uint32_t most) {
  if (most == 0) return empty();
  if (least == 1 && most == 1) return part;
  Expr e{.kind = Expr::Kind::Repeat};
  e.parts.push_back(std::move(part));
  e.least = least;
  e.most = most;
  return e;
}

int Rules::add(std::string name) {
  list_.push_back({std::move(name), nothing()});
  return int(list_.size()) - 1;
}

int Rules::add(std::string name, Expr expr) {
  const int number = add(std::move(name));
  define(number, std::move(expr));
  return number;
}

}  // namespace apr::grammar
