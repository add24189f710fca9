#include "engine/generate.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/printable.h"

namespace apr::engine {
namespace {

/// Delivers text and keeps back whatever might still turn out to be the beginning of a stop string.
class StopFilter {
 public:
  StopFilter(const std::vector<std::string>& stops, const std::function<void(std::string_view)>& deliver)
      : stops_(stops), deliver_(deliver) {}

  /// True when a stop string is complete; what came before it has been delivered.
  bool push(std::string_view piece) {
    held_ += piece;
    size_t first = std::string::npos;
    for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
    if (first != std::string::npos) {
      held_.resize(first);
      flush();
      return true;
    }
    release(held_.size() - longest_beginning());
    return false;
  }
  void flush() { release(held_.size()); }
  const std::string& text() const { return text_; }

 private:
  /// Length of the longest end of held_ that some stop string begins with.
  size_t longest_beginning() const {
    size_t longest = 0;
    for (const std::string& stop : stops_) {
      for (size_t n = std::min(stop.size() - 1, held_.size()); n > longest; --n) {
        if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) longest = n;
      }
    }
    return longest;
  }
  void release(size_t n) {
    if (n == 0) return;
    text_.append(held_, 0, n);
    if (deliver_) deliver_(std::string_view(held_).substr(0, n));
    held_.erase(0, n);
  }
  const std::vector<std::string>& stops_;
  const std::function<void(std::string_view)>& deliver_;
  std::string held_, text_;
};

void check(const Engine& engine, const Session& session, const Request& request) {
  sampling::validate(request.sampling, size_t(engine.config().V));
  if (request.max_tokens < -1)
    fail(ErrorCode::Usage, "max tokens: found {}, expected a number of tokens, or -1 for no limit", request.max_tokens);
  if (request.logprobs < -1 || request.logprobs > sampling::LogprobReader::kMostTop) {
    fail(ErrorCode::Usage, "logprobs: found {}, expected -1 (none) to {}", request.logprobs,
         sampling::LogprobReader::kMostTop);
  }
  for (const std::string& stop : request.stop_strings) {
    if (stop.empty()) fail(ErrorCode::Usage, "stop string: found an empty one, expected text");
  }
  // The last sampled token is never fed back, so it needs no room.
  const int64_t room = session.room(), prompt = int64_t(request.prompt.size()),
                more = std::max(0, request.max_tokens - 1);
  if (prompt + more > room) {
    fail(ErrorCode::Context,
         "context: a prompt of {} tokens{} needs {}, the context has room for {}; ask for a larger one (--ctx, up to "
         "{}){}",
         prompt, more > 0 ? fmt::format(" and {} more", request.max_tokens) : "", prompt + more, room,
         engine.config().context, more > 0 ? " or fewer tokens (-n)" : " or send less");
  }
}

/// Lets a flag stop a session for as long as this lives.
class StopGuard {
 public:
  StopGuard(Session& session, const std::atomic<bool>* flag) : session_(session) { session.stop_when(flag); }
  ~StopGuard() { session_.stop_when(nullptr); }
  StopGuard(const StopGuard&) = delete;
  StopGuard& operator=(const StopGuard&) = delete;

 private:
  Session& session_;
};

/// A model that computes no numbers has no answer.
void refuse_broken(const Engine& engine, std::span<const float> logits) {
  unsigned any = 0;  // in a loop that compilers turn into vectors: it looks at each logit of each token
  for (const float l : logits) any |= unsigned(l != l);
  if (!any) return;
  const auto broken = std::find_if(logits.begin(), logits.end(), [](float l) { return std::isnan(l); });
  fail(ErrorCode::BadModel, "{}: the logit of token {} is not a number; the weights are damaged: fetch the file again",
       shown(engine.file().path()), broken - logits.begin());
}

/// Chooses the tokens of an answer, one after another.
class Chooser {
 public:
  Chooser(const Engine& engine, const Request& request)
      : engine_(engine),
        request_(request),
        sampler_(request.sampling),
        may_(request.constraint ? sampling::mask_words(size_t(engine.config().V)) : 0) {
    for (Token t : request.prompt) sampler_.accept(t);
  }
  /// -1 when the constraint allows no more. `left`: tokens that the answer has room for, this one included.
  Token next(std::span<const float> logits, size_t left) {
    refuse_broken(engine_, logits);
    if (request_.constraint && !read_constraint(left)) return -1;
    const Token token = sampler_.pick(logits, may_);
    if (token < 0) {
      fail(ErrorCode::BadInput, "no token can follow: the logit of each{} is -infinity; ban fewer (--logit-bias)",
           request_.constraint ? " that the grammar allows" : "");
    }
    sampler_.accept(token);
    if (request_.constraint && !ends(token)) request_.constraint->accept(token);
    return token;
  }
  bool ends(Token token) const {
    const auto& stops = engine_.stop_tokens();
    return !request_.ignore_stop_tokens && std::find(stops.begin(), stops.end(), token) != stops.end();
  }
  sampling::Logprobs logprobs(std::span<const float> logits, Token token) {
    return reader_.read(logits, token, size_t(request_.logprobs));
  }

 private:
  /// may_ = what it allows. False when the answer is complete.
  bool read_constraint(size_t left) {
    const sampling::Mask allowed = request_.constraint->mask(left);
    const size_t words = std::min(allowed.size(), may_.size());
    std::copy_n(allowed.begin(), words, may_.begin());
    std::fill(may_.begin() + std::ptrdiff_t(words), may_.end(), 0);
    const bool may_end = request_.constraint->may_end();
    for (const Token stop : engine_.stop_tokens()) {
      if (size_t(stop) < 64 * may_.size()) sampling::set(may_, stop, may_end && ends(stop));
    }
    if (std::any_of(may_.begin(), may_.end(), [](uint64_t word) { return word != 0; })) return true;
    if (!may_end)
      fail(ErrorCode::BadInput,
           "grammar: it is not complete, but no token of this vocabulary can go on; nothing matches what it asks for");
    return false;
  }
  const Engine& engine_;
  const Request& request_;
  sampling::Sampler sampler_;
  sampling::LogprobReader reader_;
  std::vector<uint64_t> may_;  ///< a mask; empty without a constraint
};

}  // namespace

std::string_view name_of(Finish finish) {
  switch (finish) {
    case Finish::Length:
      return "length";
    case Finish::Stop:
      return "stop";
    case Finish::StopString:
      return "stop_string";
    case Finish::Context:
      return "context";
    case Finish::Interrupted:
      return "interrupted";
  }
  return "";
}

std::string_view name_of(Speculation speculation) { return speculation == Speculation::Ngram ? "ngram" : "none"; }

Answer generate(Engine& engine, Session& session, const Request& request,
                const std::function<void(std::string_view)>& on_text, const std::function<void(size_t)>& on_prefill,
                const std::atomic<bool>* cancel, const std::function<void(const Chosen&)>& on_token) {
  check(engine, session, request);
  const tokenizer::Tokenizer& tokenizer = engine.tokenizer();
  auto cancelled = [&] { return cancel && cancel->load(std::memory_order_relaxed); };

  Answer answer;
  answer.prompt_tokens = request.prompt.size();
  const size_t before = session.tokens().size();
  Chooser chooser(engine, request);
  tokenizer::TextStream stream(tokenizer);
  StopFilter filter(request.stop_strings, on_text);

  double start = engine.now_ms();
  const StopGuard stop(session, cancel);
  std::span<const float> logits = session.extend(request.prompt, [&](size_t done) {
    if (on_prefill) on_prefill(done);
    return !cancelled();
  });
  answer.prefilled = session.tokens().size() - before;
  answer.prefill_ms = engine.now_ms() - start;
  start = engine.now_ms();
  std::optional<Lookahead> ahead;
  if (request.speculation == Speculation::Ngram && !logits.empty()) ahead.emplace(engine, session);

  auto room = [&] { return ahead ? ahead->room() : session.room(); };
  auto more = [&] { return request.max_tokens < 0 ? SIZE_MAX : size_t(request.max_tokens) - answer.tokens.size(); };
  auto sample = [&] {  // one token; says why to stop, if it is to
    const Token token = chooser.next(logits, std::min(more(), size_t(room()) + 1));
    if (token < 0) return std::optional(Finish::Stop);
    answer.tokens.push_back(token);
    if (request.logprobs >= 0) answer.logprobs.push_back(chooser.logprobs(logits, token));
    const bool ends = chooser.ends(token);
    const bool silent =
        ends || !tokenizer.valid(token) || (request.skip_control && tokenizer.kind(token) == tokenizer::Kind::Control);
    const std::string text = silent ? std::string() : stream.push(token);
    if (on_token) on_token({token, text, request.logprobs >= 0 ? &answer.logprobs.back() : nullptr});
    if (ends) return std::optional(Finish::Stop);
    if (!silent && filter.push(text)) return std::optional(Finish::StopString);
    return std::optional<Finish>();
  };
  auto next = [&](Token token) -> std::span<const float> {
    if (cancelled()) return {};
    if (!ahead) return session.extend({&token, 1});
    return ahead->after(token, more());
  };
  for (std::optional<Finish> finish;;) {
    if (logits.empty() || cancelled()) {
      finish = Finish::Interrupted;
    } else if (int(answer.tokens.size()) == request.max_tokens) {
      finish = Finish::Length;
    } else {
      finish = sample();
      if (!finish && int(answer.tokens.size()) == request.max_tokens) finish = Finish::Length;
      if (!finish && room() == 0) finish = Finish::Context;
    }
    if (finish) {
      answer.finish = *finish;
      break;
    }
    logits = next(answer.tokens.back());
  }
  if (ahead) answer.guesses = ahead->guesses();
  if (answer.finish != Finish::StopString) {
    if (!filter.push(stream.finish())) filter.flush();
  }
  answer.decode_ms = engine.now_ms() - start;
  answer.text = filter.text();
  return answer;
}

}  // namespace apr::engine
