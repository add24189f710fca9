#pragma once
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/constraint.h"
#include "engine/engine.h"
#include "engine/lookahead.h"
#include "sampling/logprobs.h"
#include "sampling/sampler.h"

namespace apr::engine {

enum class Finish {
  Length,       ///< max_tokens reached
  Stop,         ///< an end-of-turn token, or a constraint that allows nothing more
  StopString,   ///< one of stop_strings; it is not part of the text
  Context,      ///< the context is full
  Interrupted,  ///< `cancel` was set
};
std::string_view name_of(Finish finish);

/// Where guesses for the next tokens come from. The answer is the same with each, to the bit; only its speed is not.
enum class Speculation {
  None,   ///< one pass for each token
  Ngram,  ///< what followed the last few tokens where they stood before
};
std::string_view name_of(Speculation speculation);

struct Request {
  std::vector<Token> prompt;
  int max_tokens = -1;  ///< -1 = until the model stops or the context is full
  sampling::Params sampling;
  Speculation speculation = Speculation::None;
  Constraint* constraint = nullptr;  ///< what the answer may be; outlives generate(), which moves it on. null: anything
  int logprobs = -1;  ///< log probabilities of each token and of so many of the likeliest, up to 100; -1 = none
  std::vector<std::string> stop_strings;
  bool ignore_stop_tokens = false;  ///< benchmarks: go on past the end of the turn
  bool skip_control = true;         ///< control tokens are not part of the text
};

struct Answer {
  std::string text;
  std::vector<Token> tokens;                 ///< sampled ones, the stop token included
  std::vector<sampling::Logprobs> logprobs;  ///< of each of them, if they were asked for
  Finish finish = Finish::Length;
  size_t prompt_tokens = 0, prefilled = 0;  ///< prefilled: fewer when it was cancelled
  double prefill_ms = 0, decode_ms = 0;
  Guesses guesses;  ///< none without speculation
};

/// A token that was chosen just now.
struct Chosen {
  Token id;
  std::string_view text;  ///< whole characters that it completes; stop strings are looked for only afterwards. Valid
                          ///< during the call
  const sampling::Logprobs* logprobs;  ///< null unless they were asked for
};

/// Prefills the prompt, then samples until something ends it. What is held back for a stop string is delivered at the
/// end.
///
/// on_text     whole UTF-8 characters as they come; may be empty. It must not use the engine
/// on_prefill  tokens of the prompt done so far
/// cancel      may be set by a signal handler or another thread; looked at between layers and tokens
/// on_token    each token, stop tokens too, before its text goes to on_text; may be empty. It must not use the engine
/// errors      Context when the prompt, or prompt + max_tokens, does not fit; Usage (sampling::validate): before any
/// work. BadModel when a logit is not a number, BadInput when every token is banned, or the constraint neither allows a
/// token nor the end: after the text until then
Answer generate(Engine& engine, Session& session, const Request& request,
                const std::function<void(std::string_view)>& on_text = {},
                const std::function<void(size_t)>& on_prefill = {}, const std::atomic<bool>* cancel = nullptr,
                const std::function<void(const Chosen&)>& on_token = {});

}  // namespace apr::engine
