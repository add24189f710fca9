// What bounds an answer from outside, and what is told of each of its tokens.
#include "engine/constraint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/error.h"
#include "engine/breakers.h"
#include "engine/bundled.h"
#include "engine/generate.h"

namespace apr::engine {
namespace {

/// Tokens by a rule that knows how many there were.
class Rule final : public Constraint {
 public:
  Rule(const Engine& engine, std::function<bool(size_t n, Token)> allows, std::function<bool(size_t n)> ends)
      : words_(sampling::mask_words(size_t(engine.config().V))), allows_(std::move(allows)), ends_(std::move(ends)) {}
  sampling::Mask mask(size_t) override {
    for (Token id = 0; id < Token(64 * words_.size()); ++id) sampling::set(words_, id, allows_(accepted.size(), id));
    return words_;
  }
  bool may_end() override { return ends_(accepted.size()); }
  void accept(Token token) override { accepted.push_back(token); }

  std::vector<Token> accepted;

 private:
  std::vector<uint64_t> words_;
  std::function<bool(size_t, Token)> allows_;
  std::function<bool(size_t)> ends_;
};

class Constrained : public testing::Test {
 protected:
  Engine engine{test::kBundledModel, {.context = 256, .clock = [now = 0.0]() mutable { return now += 1; }}};

  Request request(const std::string& user) const {
    Request r;
    r.prompt = engine.tokenizer().encode("<|im_start|>user\n" + user + "<|im_end|>\n<|im_start|>assistant\n",
                                         tokenizer::Special::Parse);
    return r;
  }
  Answer answer(const Request& r, const std::function<void(const Chosen&)>& on_token = {}) {
    Session session(engine);
    return generate(engine, session, r, {}, {}, nullptr, on_token);
  }
  bool is_digit(Token id) const {
    const std::string_view bytes = engine.tokenizer().bytes(id);
    return bytes.size() == 1 && bytes[0] >= '0' && bytes[0] <= '9';
  }
};

TEST_F(Constrained, OnlyWhatItAllowsAndAnEndOnlyWhereItMay) {
  for (const float temperature : {0.0f, 1.0f}) {
    Rule digits(
        engine, [&](size_t n, Token id) { return n < 5 && is_digit(id); }, [](size_t n) { return n >= 3; });
    Request r = request("What is 2+2?");
    r.sampling.temperature = temperature;
    r.constraint = &digits;
    const Answer a = answer(r);
    EXPECT_EQ(a.finish, Finish::Stop);
    EXPECT_GE(a.text.size(), 3u);
    EXPECT_LE(a.text.size(), 5u);
    EXPECT_EQ(a.text.find_first_not_of("0123456789"), std::string::npos) << a.text;
    EXPECT_EQ(digits.accepted.size(), a.text.size());  // it does not hear of the stop token
    EXPECT_EQ(a.tokens.size(), a.text.size() + 1);     // which there is, as the last one
  }
}

TEST_F(Constrained, AStopTokenWaitsUntilItMayEnd) {
  const size_t usual = answer(request("What is 2+2?")).tokens.size();
  Rule longer(
      engine, [](size_t, Token) { return true; }, [&](size_t n) { return n >= usual + 10; });
  Request r = request("What is 2+2?");
  r.constraint = &longer;
  EXPECT_GT(answer(r).tokens.size(), usual + 10);
}

TEST_F(Constrained, EndsWithoutAStopTokenWhereThereIsNone) {
  Rule two(
      engine, [&](size_t n, Token id) { return n < 2 && is_digit(id); }, [](size_t n) { return n == 2; });
  Request r = request("Hi");
  r.constraint = &two;
  r.ignore_stop_tokens = true;
  const Answer a = answer(r);
  EXPECT_EQ(a.tokens.size(), 2u);
  EXPECT_EQ(a.finish, Finish::Stop);
  Rule nothing(
      engine, [](size_t, Token) { return false; }, [](size_t) { return true; });
  r.constraint = &nothing;
  EXPECT_TRUE(answer(r).tokens.empty());
}

TEST_F(Constrained, ADeadEndIsAnError) {
  Rule dead(
      engine, [&](size_t n, Token id) { return n < 2 && is_digit(id); }, [](size_t) { return false; });
  Request r = request("Hi");
  r.constraint = &dead;
  try {
    answer(r);
    FAIL() << "there was an answer";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::BadInput);
    EXPECT_NE(std::string(e.what()).find("grammar"), std::string::npos) << e.what();
  }
}

TEST_F(Constrained, AMaskShorterThanTheVocabularyAllowsNoMore) {
  class Short final : public Constraint {
   public:
    sampling::Mask mask(size_t) override { return {&word_, 1}; }
    bool may_end() override { return false; }
    void accept(Token) override {}

   private:
    uint64_t word_ = ~uint64_t(0);
  } first64;
  Request r = request("Hi");
  r.constraint = &first64;
  r.max_tokens = 20;
  for (const Token t : answer(r).tokens) EXPECT_LT(t, 64);
}

TEST_F(Constrained, IsTheSameWithSpeculation) {
  size_t accepted = 0, wrong = 0;
  for (const float temperature : {0.0f, 0.8f}) {
    for (const char* prompt :
         {"Repeat: one two three one two three one two three", "def add(a, b):\n    return a + b\n"}) {
      std::vector<std::vector<Token>> tokens, heard;
      for (const Speculation speculation : {Speculation::None, Speculation::Ngram}) {
        // Nothing that stands at a place divisible by seven may hold an e.
        auto no_e = [&](size_t n, Token id) {
          return n % 7 != 0 || engine.tokenizer().bytes(id).find('e') == std::string_view::npos;
        };
        Rule rule(engine, no_e, [](size_t n) { return n > 40; });
        Request r = request(prompt);
        r.constraint = &rule;
        r.speculation = speculation;
        r.sampling.temperature = temperature;
        r.max_tokens = 80;
        const Answer a = answer(r);
        tokens.push_back(a.tokens);
        heard.push_back(rule.accepted);
        accepted += a.guesses.accepted;
        wrong += a.guesses.verified - a.guesses.accepted;
      }
      EXPECT_EQ(tokens[0], tokens[1]);
      EXPECT_EQ(heard[0], heard[1]);
    }
  }
  EXPECT_GT(accepted, 5u);
  EXPECT_GT(wrong, 5u);
}

TEST_F(Constrained, EachTokenIsToldOfWithItsText) {
  Request r = request("Hi");
  r.logprobs = 2;
  std::vector<Token> ids;
  std::string text;
  std::vector<double> logprobs;
  const Answer a = answer(r, [&](const Chosen& chosen) {
    ids.push_back(chosen.id);
    text += chosen.text;
    logprobs.push_back(chosen.logprobs->chosen);
  });
  EXPECT_EQ(ids, a.tokens);
  EXPECT_EQ(text, a.text);
  ASSERT_EQ(logprobs.size(), a.logprobs.size());
  r.logprobs = -1;
  EXPECT_TRUE(answer(r, [](const Chosen& chosen) { EXPECT_EQ(chosen.logprobs, nullptr); }).logprobs.empty());
}

TEST_F(Constrained, LogprobsAreTheModelsOwn) {
  Request r = request("Hi");
  r.logprobs = 3;
  const Answer plain = answer(r);
  ASSERT_EQ(plain.logprobs.size(), plain.tokens.size());
  Session session(engine);
  const std::span<const float> logits = session.extend(r.prompt);
  double total = 0;
  for (const float l : logits) total += std::exp(double(l));
  EXPECT_NEAR(plain.logprobs[0].chosen, double(logits[size_t(plain.tokens[0])]) - std::log(total), 1e-9);
  for (size_t i = 0; i < plain.tokens.size(); ++i) {
    EXPECT_EQ(plain.logprobs[i].top.size(), 3u);
    EXPECT_EQ(plain.logprobs[i].top[0].id, plain.tokens[i]);  // greedy
    EXPECT_EQ(plain.logprobs[i].top[0].logprob, plain.logprobs[i].chosen);
  }
  // What is done to the logits afterwards does not show.
  r.sampling.logit_bias[plain.tokens[0]] = -100;
  const Answer other = answer(r);
  EXPECT_NE(other.tokens[0], plain.tokens[0]);
  EXPECT_EQ(other.logprobs[0].top[0].id, plain.tokens[0]);
  EXPECT_EQ(other.logprobs[0].top[0].logprob, plain.logprobs[0].chosen);
  EXPECT_LT(other.logprobs[0].chosen, plain.logprobs[0].chosen);
  for (const int refused : {-2, 101}) {
    r.logprobs = refused;
    EXPECT_THROW(answer(r), Error);
  }
}

TEST_F(Constrained, BreakersAreTheTokensThatHoldAText) {
  const std::vector<std::string> texts = {"\n", ":"};
  const std::vector<uint64_t> set = breakers_of(engine, texts);
  for (Token id = 0; id < engine.config().V; ++id) {
    const bool expected = engine.tokenizer().bytes(id).find_first_of("\n:") != std::string_view::npos ||
                          engine.tokenizer().kind(id) == tokenizer::Kind::Control;
    EXPECT_EQ(sampling::holds(set, id), expected) << id;
  }
  for (const std::string& text : {std::string(), std::string("no token is as long as this")}) {
    try {
      breakers_of(engine, {&text, 1});
      ADD_FAILURE() << "it was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::Usage);
      EXPECT_NE(std::string(e.what()).find("DRY breaker"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace apr::engine
