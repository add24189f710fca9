// The promise of speculation: the same answer as without it, whatever ends it and however tokens are chosen.
#include <gtest/gtest.h>

#include <atomic>
#include <limits>

#include "engine/bundled.h"
#include "engine/generate.h"

namespace apr::engine {
namespace {

/// A clock by which every pass takes as long: guessing always pays, so all that can be guessed is.
std::function<double()> ticking() {
  return [now = 0.0]() mutable { return now += 1; };
}

/// The answer, the tokens that the session holds after it, and what was delivered.
struct Outcome {
  Answer answer;
  std::vector<Token> session;
  std::string delivered;
};

class Speculating : public testing::Test {
 protected:
  Engine engine{test::kBundledModel, {.context = 256, .clock = ticking()}};

  std::vector<Token> encode(const std::string& text) const {
    return engine.tokenizer().encode(text, tokenizer::Special::Parse);
  }
  Request request(const std::string& user) const {
    Request r;
    r.prompt = encode("<|im_start|>user\n" + user + "<|im_end|>\n<|im_start|>assistant\n");
    return r;
  }
  /// cancel_at: sets the flag when so many pieces of text have been delivered.
  Outcome outcome(Request r, Speculation speculation, int cancel_at = -1) {
    r.speculation = speculation;
    Session session(engine);
    std::atomic<bool> cancel{cancel_at == 0};
    Outcome o;
    int pieces = 0;
    auto on_text = [&](std::string_view piece) {
      o.delivered += piece;
      if (++pieces == cancel_at) cancel = true;
    };
    o.answer = generate(engine, session, r, on_text, {}, &cancel);
    o.session = session.tokens();
    return o;
  }
  void expect_same(const Request& r, const std::string& what, int cancel_at = -1) {
    const Outcome plain = outcome(r, Speculation::None, cancel_at), fast = outcome(r, Speculation::Ngram, cancel_at);
    EXPECT_EQ(fast.answer.tokens, plain.answer.tokens) << what;
    EXPECT_EQ(fast.answer.text, plain.answer.text) << what;
    EXPECT_EQ(fast.answer.finish, plain.answer.finish) << what;
    EXPECT_EQ(fast.session, plain.session) << what;
    EXPECT_EQ(fast.delivered, plain.delivered) << what;
    ASSERT_EQ(fast.answer.logprobs.size(), plain.answer.logprobs.size()) << what;
    for (size_t i = 0; i < plain.answer.logprobs.size(); ++i)
      EXPECT_EQ(fast.answer.logprobs[i].chosen, plain.answer.logprobs[i].chosen) << what;
    verified += fast.answer.guesses.verified;
    accepted += fast.answer.guesses.accepted;
  }
  size_t verified = 0, accepted = 0;  ///< in all comparisons
};

const char* const kPrompts[] = {
    "What is 2+2?",
    "What is the capital of France?",
    "Repeat: one two three one two three one two three one two three",
    "def add(a, b):\n    return a + b\n\ndef add(a, b):\n    return a + b\n\ndef add(a, b):\n",
};

TEST_F(Speculating, GreedyAnswersAreTheSame) {
  for (const char* prompt : kPrompts) {
    Request r = request(prompt);
    r.max_tokens = 120;
    r.ignore_stop_tokens = true;
    expect_same(r, prompt);
    r.ignore_stop_tokens = false;
    expect_same(r, prompt);
    r.prompt = encode(prompt);
    expect_same(r, prompt);
  }
  EXPECT_GT(accepted, 20u);
  EXPECT_GT(verified - accepted, 20u);  // guesses that were wrong, too
}

TEST_F(Speculating, SampledAnswersAreTheSame) {
  const sampling::Params chains[] = {
      {.temperature = 0.7f},
      {.temperature = 1.2f, .top_k = 20},
      {.temperature = 1, .top_p = 0.8f},
      {.temperature = 1.5f, .min_p = 0.05f},
      {.repetition_penalty = 1.1f,
       .presence_penalty = 0.3f,
       .temperature = 0.8f,
       .top_k = 50,
       .top_p = 0.9f,
       .min_p = 0.01f},
      {.frequency_penalty = 0.2f, .penalty_window = 8},
      {.frequency_penalty = 0.1f, .penalty_window = -1, .temperature = 0.7f},
      {.dry_multiplier = 0.8f, .dry_allowed_length = 1},
      {.dry_multiplier = 0.3f, .temperature = 1, .typical_p = 0.9f},
      {.temperature = 0.9f, .min_p = 0.02f, .xtc_probability = 0.5f},
      {.temperature = 1, .mirostat_tau = 3},
      {.logit_bias = {{13, -std::numeric_limits<float>::infinity()}, {10, 3.0f}}, .temperature = 0.5f},
  };
  for (const char* prompt : kPrompts) {
    for (const sampling::Params& chain : chains) {
      for (const uint64_t seed : {1, 2}) {
        Request r = request(prompt);
        r.max_tokens = 60;
        r.ignore_stop_tokens = true;
        r.sampling = chain;
        r.sampling.seed = seed;
        r.logprobs = int(seed);
        expect_same(r, std::string(prompt) + ", temperature " + std::to_string(chain.temperature));
      }
    }
  }
  EXPECT_GT(accepted, 20u);
  EXPECT_GT(verified - accepted, 20u);
}

TEST_F(Speculating, EndsWhereItWouldHaveEnded) {
  Request r = request(kPrompts[2]);
  r.ignore_stop_tokens = true;
  for (int n = 0; n <= 40; ++n) {
    r.max_tokens = n;
    expect_same(r, std::to_string(n) + " tokens");
  }
  r.max_tokens = -1;  // until the context is full
  expect_same(r, "context");
  const Outcome full = outcome(r, Speculation::Ngram);
  EXPECT_EQ(full.answer.finish, Finish::Context);
  EXPECT_EQ(full.session.size(), 256u);
  r.max_tokens = 60;
  const std::string text = outcome(r, Speculation::None).answer.text;
  ASSERT_GT(text.size(), 30u);
  for (size_t i = 0; i + 3 < text.size(); i += 5) {
    r.stop_strings = {"never there", text.substr(i, 3)};
    expect_same(r, "stop string " + r.stop_strings[1]);
  }
  r.stop_strings = {};
  for (int n = 0; n <= 30; ++n) expect_same(r, "cancelled after piece " + std::to_string(n), n);
  EXPECT_GT(accepted, 0u);
}

TEST_F(Speculating, GoesOnInASessionThatHasTokens) {
  std::vector<std::vector<Token>> tokens;
  for (const Speculation speculation : {Speculation::None, Speculation::Ngram}) {
    Session session(engine);
    Request r = request(kPrompts[2]);
    r.speculation = speculation;
    r.max_tokens = 20;
    generate(engine, session, r);
    generate(engine, session, r);
    tokens.push_back(session.tokens());
  }
  EXPECT_EQ(tokens[0], tokens[1]);
}

TEST_F(Speculating, CountsWhatItDid) {
  Request r = request(kPrompts[3]);
  r.max_tokens = 100;
  r.ignore_stop_tokens = true;
  const Answer fast = outcome(r, Speculation::Ngram).answer;
  EXPECT_EQ(fast.guesses.passes + fast.guesses.accepted + 1, fast.tokens.size());
  EXPECT_LE(fast.guesses.accepted, fast.guesses.verified);
  const Answer plain = outcome(r, Speculation::None).answer;
  EXPECT_EQ(plain.guesses.verified, 0u);
}

/// By a clock that says that time stands still, nothing can be compared, so nothing is guessed.
TEST(SpeculationClock, DecidesWhetherToGuess) {
  Engine engine(test::kBundledModel, {.context = 256, .clock = [] { return 0.0; }});
  Session session(engine);
  Request r;
  for (int i = 0; i < 40; ++i) r.prompt.push_back(100 + i % 4);
  r.max_tokens = 60;
  r.speculation = Speculation::Ngram;
  EXPECT_EQ(generate(engine, session, r).guesses.verified, 0u);
}

}  // namespace
}  // namespace apr::engine
