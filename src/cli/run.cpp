#include <algorithm>
#include <chrono>
#include <optional>

#include "base/error.h"
#include "cli/grammar_flags.h"
#include "cli/model_flags.h"
#include "cli/prompt.h"
#include "cli/sampling_flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "engine/generate.h"

namespace apr::cli {
namespace {

constexpr const char* kExamples = R"(Examples
  apr run MODEL.gguf -p "Write a binary search in Python."
  apr run MODEL.gguf -p @question.txt --system "Answer in one sentence." -n 100
  git diff | apr run MODEL.gguf --system "Review this change."
  apr run MODEL.gguf --raw -p "def fib(n):" --stop "print(" --temperature 0.7 --top-p 0.8 --seed 1
  apr run MODEL.gguf -p @edit.txt --spec ngram -v
  apr run MODEL.gguf -p Hi -f json --logprobs 3
  apr run MODEL.gguf -p "What is in src?" --tools tools.json --tool-choice required
  apr run MODEL.gguf -p "Describe a cat." --json-schema animal.schema.json -n 200

Standard output carries the generated text, and one newline at its end, nothing else.)";

using Clock = std::chrono::steady_clock;
double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}
double per_second(size_t n, double ms) { return ms > 0 ? double(n) * 1000 / ms : 0; }
/// The first token comes out of the prompt's own pass, so it is none of the decode's; alone it makes no rate.
std::optional<double> decode_rate(const engine::Answer& a) {
  if (a.tokens.size() < 2) return std::nullopt;
  return per_second(a.tokens.size() - 1, a.decode_ms);
}

class Run final : public Verb {
 public:
  const char* name() const override { return "run"; }
  const char* summary() const override { return "Generate an answer to a prompt"; }

  void declare(CLI::App& app) override {
    app.footer(kExamples);
    flags_.declare(app);
    app.add_option("-p,--prompt", prompt_,
                   "The user's text; @FILE reads a file, - standard input (also read when -p is missing)");
    app.add_option("-n,--max-tokens", request_.max_tokens,
                   "Tokens to generate at most; default: until the model ends or the context is full")
        ->transform(whole_number(0, 1 << 30));
    auto* system = app.add_option("--system", system_, "A system message before the prompt; @FILE reads a file");
    app.add_flag("--raw", raw_, "Continue the prompt as plain text instead of answering it as a chat turn")
        ->excludes(system);
    app.add_option("-f,--format", format_,
                   "text, or json: one document with text, token ids, finish reason and timings")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    auto* stream = app.add_flag("--stream", stream_, "Print text as it comes (the default on -f text)");
    app.add_flag("--no-stream", no_stream_, "Print all text at the end")->excludes(stream);
    app.add_option("--spec", spec_,
                   "Guess tokens ahead and check several in one pass; the answer is the same, to the bit. ngram: guess "
                   "what followed the last few tokens where they stood before. For edits, and for code or text that "
                   "repeats parts of the prompt; where guesses do not pay, it stops guessing")
        ->check(CLI::IsMember({"none", "ngram"}))
        ->capture_default_str();
    app.add_flag("-v,--verbose", verbose_, "Say on standard error what is loaded and how long things took");
    app.add_option("--logprobs", request_.logprobs,
                   "With -f json: the natural log of the model's own probability of each token, and of the N likeliest")
        ->transform(whole_number(0, sampling::LogprobReader::kMostTop));
    app.add_option("--stop", request_.stop_strings, "Text that ends the answer and is not part of it; may be repeated")
        ->allow_extra_args(false);
    grammar_.declare(app);
    sampling_.declare(app);
  }

  int run() override {
    if (json() && stream_)
      fail(ErrorCode::Usage, "--stream: one JSON document cannot be streamed; leave it out, or use -f text");
    if (!json() && request_.logprobs >= 0)
      fail(ErrorCode::Usage, "--logprobs: they have no place in plain text; add -f json, or leave it out");
    sampling_.read();
    grammar_.read();
    if (raw_ && !grammar_.tools().is_null())
      fail(ErrorCode::Usage, "--tools: plain text (--raw) has no place for tools; leave one of them out");
    if (spec_ == name_of(engine::Speculation::Ngram)) request_.speculation = engine::Speculation::Ngram;
    const std::atomic<bool>& cancel = catch_interrupts();
    const std::string text = read_prompt(prompt_);
    if (system_ && *system_ == "-")
      fail(ErrorCode::Usage, "--system: found '-', expected text or @FILE; standard input is the prompt's");
    if (system_ && system_->starts_with('@')) system_ = read_named_file("--system", *system_);
    if (text.empty() && !raw_)
      fail(ErrorCode::BadInput, "prompt: it is empty; give some text with -p, -p @FILE or standard input");

    const Clock::time_point start = Clock::now();
    if (request_.max_tokens >= 0) flags_.expected_tokens = uint64_t(std::max(1, request_.max_tokens));
    engine::Engine engine(flags_.path, flags_.options());
    request_.prompt = raw_ ? raw_tokens(engine, text) : chat_tokens(engine, text, system_, grammar_.tools());
    if (request_.prompt.empty())
      fail(ErrorCode::BadInput, "prompt: it is empty, and this model has no token to begin with; give some text");
    if (flags_.context == 0) engine.make_room(wanted_context(engine));
    request_.sampling = sampling_.params(engine);  // checked before the weights are brought in
    const auto constraint = grammar_.constraint(engine, answer_room(engine));
    request_.constraint = constraint.get();
    describe_model(engine);
    engine::Session session(engine);
    load_ms_ = ms_since(start);
    describe_memory(engine);
    warn(engine);
    const engine::Answer answer = generate(engine, session, cancel);
    if (json()) {
      print_json(document(engine, answer));
    } else {
      print(no_stream_ ? answer.text + "\n" : "\n");
    }
    if (answer.finish == engine::Finish::Context) {
      note(fmt::format("apr: warning: the context of {} tokens is full, so the answer is cut off{}",
                       engine.options().context,
                       engine.options().context < engine.config().context ? "; a larger one: --ctx" : ""));
    }
    if (verbose_) report(answer);
    return answer.finish == engine::Finish::Interrupted ? interrupt_exit_code() : 0;
  }

 private:
  bool json() const { return format_ == "json"; }

  /// Prompt and answer; without -n, room for a long answer as far as the model was trained for it.
  size_t wanted_context(const engine::Engine& engine) const {
    constexpr size_t long_answer = 4096;
    const size_t prompt = request_.prompt.size(), trained = size_t(engine.config().context);
    const size_t answer = size_t(std::max(request_.max_tokens, 1)) - 1;  // the last token is not fed back
    if (prompt + answer > trained) {
      fail(ErrorCode::Context,
           "context: a prompt of {} tokens{} does not fit; the model was trained for {} in all; send less{}", prompt,
           answer > 0 ? fmt::format(" and an answer of {}", request_.max_tokens) : "", trained,
           answer > 0 ? " or ask for fewer (-n)" : "");
    }
    if (request_.max_tokens >= 0) return prompt + answer;
    return std::max(prompt, std::min(prompt + long_answer, trained));
  }

  /// Tokens that the answer may have; the last one needs no place in the context.
  size_t answer_room(const engine::Engine& engine) const {
    const size_t context = size_t(engine.options().context), prompt = request_.prompt.size();
    const size_t left = context < prompt ? 0 : context - prompt + 1;
    return request_.max_tokens < 0 ? left : std::min(left, size_t(request_.max_tokens));
  }

  engine::Answer generate(engine::Engine& engine, engine::Session& session, const std::atomic<bool>& cancel) {
    std::function<void(std::string_view)> on_text;
    if (!json() && !no_stream_) on_text = [](std::string_view piece) { print(piece); };
    std::optional<Progress> progress;
    progress.emplace("reading the prompt", request_.prompt.size());
    return engine::generate(
        engine, session, request_, on_text,
        [&](size_t done) {
          progress->update(done);
          if (done == request_.prompt.size()) progress.reset();
        },
        &cancel);
  }

  void describe_model(const engine::Engine& engine) const {
    if (!verbose_) return;
    note(fmt::format("{}: {}, {} threads, {}, context {} tokens", flags_.path, engine.config().architecture,
                     engine.options().threads, engine.isa(), engine.options().context));
  }

  void describe_memory(const engine::Engine& engine) const {
    if (!verbose_) return;
    const engine::MemoryEstimate& m = engine.memory();
    const std::string& reason = engine.load_reason();
    note(fmt::format("memory: weights {:.2f} GiB ({}{}), KV cache {:.2f} GiB ({}), scratch {:.2f} GiB",
                     double(m.packed + m.weights) / (1 << 30), name_of(engine.options().load),
                     reason.empty() ? "" : ": " + reason, double(m.kv) / (1 << 30),
                     kernels::name_of(*engine.options().kv), double(m.scratch) / (1 << 30)));
  }

  /// What the user may not have meant.
  void warn(const engine::Engine& engine) const {
    if (!engine.warning().empty()) note("apr: warning: " + engine.warning());
    if (prompt_ && *prompt_ != "-" && stdin_has_data())
      note("apr: warning: standard input is not read, since -p gives the prompt; use -p - and --system for both");
    for (const std::string& warning : sampling_.warnings()) note("apr: warning: " + warning);
  }

  void report(const engine::Answer& a) const {
    const std::optional<double> rate = decode_rate(a);
    note(fmt::format("load {:.0f} ms; prompt {} tokens, {:.1f} tok/s; answer {} token{}{}; ended by: {}", load_ms_,
                     a.prompt_tokens, per_second(a.prefilled, a.prefill_ms), a.tokens.size(),
                     a.tokens.size() == 1 ? "" : "s", rate ? fmt::format(", {:.1f} tok/s", *rate) : "",
                     name_of(a.finish)));
    if (request_.speculation == engine::Speculation::None) return;
    note(fmt::format("speculation: {} of {} guesses were right; {} passes for {} tokens", a.guesses.accepted,
                     a.guesses.verified, a.guesses.passes, a.tokens.empty() ? 0 : a.tokens.size() - 1));
  }

  Json speculation(const engine::Answer& a) const {
    if (request_.speculation == engine::Speculation::None) return nullptr;
    return {{"mode", name_of(request_.speculation)},
            {"passes", a.guesses.passes},
            {"guessed", a.guesses.verified},
            {"accepted", a.guesses.accepted}};
  }

  /// null unless they were asked for; -infinity, of a token that the model rules out, is null too.
  Json logprobs(const engine::Engine& engine, const engine::Answer& a) const {
    if (request_.logprobs < 0) return nullptr;
    auto entry = [&](engine::Token id, double logprob) -> Json {
      return {{"token", engine.tokenizer().bytes(id)}, {"id", id}, {"logprob", logprob}};
    };
    Json all = Json::array();
    for (size_t i = 0; i < a.logprobs.size(); ++i) {
      Json token = entry(a.tokens[i], a.logprobs[i].chosen), top = Json::array();
      for (const auto& [id, logprob] : a.logprobs[i].top) top.push_back(entry(id, logprob));
      token["top"] = std::move(top);
      all.push_back(std::move(token));
    }
    return all;
  }

  Json document(const engine::Engine& engine, const engine::Answer& a) const {
    const std::optional<double> rate = decode_rate(a);
    const std::string* title = engine.file().metadata().string("general.name");
    return {{"text", a.text},
            {"tokens", a.tokens},
            {"logprobs", logprobs(engine, a)},
            {"finish_reason", name_of(a.finish)},
            {"prompt_tokens", a.prompt_tokens},
            {"model",
             {{"path", flags_.path},
              {"name", title ? Json(*title) : Json()},
              {"architecture", engine.config().architecture}}},
            {"isa", engine.isa()},
            {"load", name_of(engine.options().load)},
            {"threads", engine.options().threads},
            {"seed", request_.sampling.seed},
            {"speculation", speculation(a)},
            {"timings",
             {{"load_ms", load_ms_},
              {"prefill_ms", a.prefill_ms},
              {"prefill_tok_per_s", per_second(a.prefilled, a.prefill_ms)},
              {"decode_ms", a.decode_ms},
              {"decode_tok_per_s", rate ? Json(*rate) : Json()}}}};
  }

  ModelFlags flags_;
  SamplingFlags sampling_;
  GrammarFlags grammar_;
  std::optional<std::string> prompt_, system_;
  std::string format_ = "text", spec_ = "none";
  bool raw_ = false, verbose_ = false, stream_ = false, no_stream_ = false;
  engine::Request request_;
  double load_ms_ = 0;
};

}  // namespace

std::unique_ptr<Verb> make_run() { return std::make_unique<Run>(); }

}  // namespace apr::cli
