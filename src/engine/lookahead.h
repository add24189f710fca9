#pragma once
#include <array>
#include <cstddef>
#include <span>

#include "engine/draft_policy.h"
#include "engine/engine.h"
#include "engine/ngram_index.h"

namespace apr::engine {

/// What was guessed while decoding, and what came of it.
struct Guesses {
  size_t passes = 0;    ///< forward passes after the prompt's
  size_t verified = 0;  ///< guesses that went through one of them
  size_t accepted = 0;  ///< those that were the next token
};

/// Gives the logits after each token of an answer, often without a pass of its own: where the last tokens stood before
/// in prompt or answer, the tokens that followed there are taken for a guess, and go through the model together with
/// the token that was sampled. Logits do not depend on how many tokens share a pass, so these are the logits that
/// passes of one token would give, to the bit; what the caller makes of them is its own affair.
///
/// needs   engine and session outlive it; nobody else uses the engine while it does
/// errors  those of Session::extend
/// threads one caller
class Lookahead {
 public:
  /// Learns from all tokens that the session holds now.
  Lookahead(Engine& engine, Session& session);
  /// Guesses that did not become true leave the session.
  ~Lookahead();
  Lookahead(const Lookahead&) = delete;
  Lookahead& operator=(const Lookahead&) = delete;

  /// Logits [V] after `token`, which extends what was confirmed so far; valid until the next call. Empty when the
  /// session was told to stop. more: how many tokens the caller will ask for at most, this one included
  std::span<const float> after(Token token, size_t more);
  int room() const;  ///< of the session, without guesses
  const Guesses& guesses() const { return guesses_; }

 private:
  std::span<const float> next_pass(Token token, size_t more);
  void learn(Token token);
  void forget();

  Engine& engine_;
  Session& session_;
  NgramIndex index_;
  DraftPolicy policy_;
  NgramIndex::Match match_;                   ///< of the tokens so far
  std::array<Token, PassCosts::kMost> pass_;  ///< the tokens of the last pass: a sampled one, then guesses
  kernels::Mat rows_{};                       ///< their logits
  int confirmed_ = 0;                         ///< how many of them are part of the answer
  Guesses guesses_;
};

}  // namespace apr::engine
