#include "engine/lookahead.h"

#include <algorithm>

namespace apr::engine {

Lookahead::Lookahead(Engine& engine, Session& session)
    : engine_(engine),
      session_(session),
      index_(session.tokens().size() + size_t(session.room()) + 1),
      policy_(engine.pass_costs()) {
  for (const Token token : session.tokens()) index_.append(token);
  match_ = index_.find();
}

Lookahead::~Lookahead() { forget(); }

void Lookahead::forget() {
  session_.truncate(session_.tokens().size() - size_t(rows_.rows - confirmed_));
  rows_ = {};
  confirmed_ = 0;
}

int Lookahead::room() const { return session_.room() + rows_.rows - confirmed_; }

/// Compares the token with what would have been guessed, whether or not it was.
void Lookahead::learn(Token token) {
  Token guess = -1;
  index_.follow(match_, {&guess, size_t(match_.length > 0)});
  policy_.came(match_.length, guess == token);
  index_.append(token);
  match_ = index_.find();
}

std::span<const float> Lookahead::after(Token token, size_t more) {
  learn(token);
  if (confirmed_ < rows_.rows && pass_[size_t(confirmed_)] == token) {
    policy_.accepted();
    ++guesses_.accepted;
    return {rows_.row(confirmed_++), size_t(rows_.cols)};
  }
  forget();
  return next_pass(token, more);
}

std::span<const float> Lookahead::next_pass(Token token, size_t more) {
  const size_t most = std::min({size_t(PassCosts::kMost), more, size_t(session_.room())});
  const int n = policy_.guesses(match_.length, int(std::max<size_t>(most, 1)) - 1);
  pass_[0] = token;
  index_.follow(match_, std::span(pass_).subspan(1, size_t(n)));
  const double start = engine_.now_ms();
  rows_ = session_.extend_few({pass_.data(), size_t(n) + 1});
  if (!rows_.data) return {};
  engine_.pass_costs().add(n + 1, engine_.now_ms() - start);
  policy_.verified(n);
  ++guesses_.passes;
  guesses_.verified += size_t(n);
  return {rows_.row(confirmed_++), size_t(rows_.cols)};
}

}  // namespace apr::engine
