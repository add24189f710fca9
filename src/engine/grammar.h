#pragma once
#include <memory>

#include "engine/constraint.h"
#include "sampling/grammar/matcher.h"

namespace apr::engine {

/// The tokens of a vocabulary that are text: all but control, unknown and unused ones.
std::shared_ptr<const grammar::TokenTrie> text_tokens(const tokenizer::Tokenizer& tokenizer);

/// An answer that matches a grammar. Where the room for it is at least what the shortest match takes, a token for a
/// byte, the answer is a whole match, however short the room.
///
/// errors  those of grammar::Matcher
/// threads one caller at a time; program and tokens may be shared
class GrammarConstraint final : public Constraint {
 public:
  GrammarConstraint(std::shared_ptr<const grammar::Program> program, std::shared_ptr<const grammar::TokenTrie> tokens)
      : matcher_(std::move(program), std::move(tokens)) {}

  sampling::Mask mask(size_t left) override {
    return matcher_.mask(left < grammar::Matcher::kMany ? uint32_t(left) : grammar::Matcher::kMany);
  }
  bool may_end() override { return matcher_.may_end(); }
  void accept(Token token) override { matcher_.accept(token); }
  /// The bytes that the shortest match takes.
  grammar::Distance distance() const { return matcher_.distance(); }

 private:
  grammar::Matcher matcher_;
};

}  // namespace apr::engine
