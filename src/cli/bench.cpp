#include <algorithm>
#include <array>
#include <chrono>

#include "base/error.h"
#include "cli/model_facts.h"
#include "cli/model_flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace apr::cli {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Middle, smallest and largest of some rates.
struct Spread {
  double median, least, most;
};
Spread spread(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  const size_t n = rates.size();
  return {(rates[(n - 1) / 2] + rates[n / 2]) / 2, rates.front(), rates.back()};
}
Json to_json(const Spread& s) { return {{"median", s.median}, {"min", s.least}, {"max", s.most}}; }

class Bench final : public Verb {
 public:
  const char* name() const override { return "bench"; }
  const char* summary() const override { return "Measure prefill and decode speed"; }

  void declare(CLI::App& app) override {
    app.footer(
        "Decode is counted in GB/s of weights and KV cache read, prefill in GMAC/s of the matrices' multiply-adds.\n"
        "Use an idle machine, and compare ratios within one run.\n\n"
        "Examples\n  apr bench MODEL.gguf\n  apr bench MODEL.gguf -p 2048 -n 32 -d 4096 -r 5 --json");
    flags_.declare(app);
    app.add_option("-p,--prefill", prefill_, "Tokens to prefill; 0: leave prefill out")
        ->transform(whole_number(0, 1 << 24))
        ->capture_default_str();
    app.add_option("-n,--decode", decode_, "Tokens to decode, one by one; 0: leave decode out")
        ->transform(whole_number(0, 1 << 24))
        ->capture_default_str();
    app.add_option("-d,--depth", depth_, "Tokens of context already there")
        ->transform(whole_number(0, 1 << 24))
        ->capture_default_str();
    app.add_option("-r,--repeat", repeat_, "How often each is measured")
        ->transform(whole_number(1, 1000))
        ->capture_default_str();
    app.add_flag("--verify", verify_,
                 "Also passes of 2, 4 and 8 tokens with logits after each, as guesses are verified (run --spec)");
    app.add_flag("--json", json_, "One JSON document");
  }

  int run() override {
    if (prefill_ + decode_ == 0) fail(ErrorCode::Usage, "bench: nothing to measure; give -p or -n above 0");
    if (verify_ && decode_ < engine::Session::kFew) {
      fail(ErrorCode::Usage, "--verify: found -n {}, expected at least {}, to measure passes of that many tokens",
           decode_, engine::Session::kFew);
    }
    engine::Options options = flags_.options();
    if (options.context == 0) options.context = depth_ + std::max(prefill_, decode_) + 1;
    const Clock::time_point start = Clock::now();
    engine::Engine engine(flags_.path, options);
    engine::Session session(engine);
    load_s_ = seconds_since(start);
    if (!engine.warning().empty()) note("apr: warning: " + engine.warning());
    facts_ = model_facts(engine.file(), engine.config());
    measure(engine, session);
    json_ ? print_json(document(engine)) : print(text(engine));
    return 0;
  }

 private:
  /// Ids that jump about the vocabulary, the same in every run.
  static std::vector<engine::Token> tokens(int n, int vocabulary, uint64_t salt) {
    std::vector<engine::Token> ids;
    for (int i = 0; i < n; ++i) {
      salt = salt * 6364136223846793005u + 1442695040888963407u;
      ids.push_back(engine::Token((salt >> 33) % uint64_t(vocabulary)));
    }
    return ids;
  }

  void measure(engine::Engine& engine, engine::Session& session) {
    const int V = engine.config().V;
    Progress progress("measuring", size_t(repeat_ + 1) * size_t((prefill_ > 0) + (decode_ > 0) + verify_));
    size_t done = 0;
    if (depth_ > 0) session.extend(tokens(depth_, V, 1));
    // The first round of each warms up: it brings the weights into memory and wakes the clocks.
    for (int round = 0; prefill_ > 0 && round <= repeat_; ++round) {
      session.truncate(size_t(depth_));
      const auto ids = tokens(prefill_, V, uint64_t(round) + 2);
      const Clock::time_point start = Clock::now();
      session.extend(ids);
      if (round > 0) prefill_rates_.push_back(prefill_ / seconds_since(start));
      progress.update(++done);
    }
    for (int round = 0; decode_ > 0 && round <= repeat_; ++round) {
      session.truncate(size_t(depth_));
      const int n = round > 0 ? decode_ : std::min(decode_, 8);
      const auto ids = tokens(n, V, uint64_t(round) + 77);
      const Clock::time_point start = Clock::now();
      for (engine::Token id : ids) session.extend({&id, 1});
      if (round > 0) decode_rates_.push_back(n / seconds_since(start));
      progress.update(++done);
    }
    for (int round = 0; verify_ && round <= repeat_; ++round) {
      for (Few& few : few_) {
        const double ms =
            pass_ms(session, tokens(round > 0 ? decode_ : few.tokens, V, uint64_t(round) + 177), few.tokens);
        if (round > 0) few.ms.push_back(ms);
      }
      progress.update(++done);
    }
  }

  /// Mean time of a pass of n tokens, over as many whole passes as `ids` has tokens for.
  double pass_ms(engine::Session& session, std::span<const engine::Token> ids, int n) const {
    session.truncate(size_t(depth_));
    const size_t passes = ids.size() / size_t(n);
    const Clock::time_point start = Clock::now();
    for (size_t i = 0; i < passes; ++i) session.extend_few(ids.subspan(i * size_t(n), size_t(n)));
    return seconds_since(start) * 1000 / double(passes);
  }

  double decode_gb(const engine::Engine& engine) const {  // read per token, at the middle of the run
    const double kv = double(kv_bytes_per_token(engine.config(), *engine.options().kv)) * (depth_ + decode_ / 2.0);
    return (double(facts_.active_bytes) + kv) / 1e9;
  }

  Json document(const engine::Engine& engine) const {
    Json d = {{"model", flags_.path},
              {"architecture", engine.config().architecture},
              {"isa", engine.isa()},
              {"load", name_of(engine.options().load)},
              {"load_s", load_s_},
              {"threads", engine.options().threads},
              {"chunk", engine.options().chunk},
              {"kv", *engine.options().kv == model::KvType::F16 ? "f16" : "f32"},
              {"depth", depth_},
              {"repeat", repeat_}};
    if (prefill_ > 0) {
      const Spread s = spread(prefill_rates_);
      d["prefill"] = {
          {"tokens", prefill_}, {"tok_per_s", to_json(s)}, {"gmac_per_s", s.median * double(facts_.macs) / 1e9}};
    }
    if (decode_ > 0) {
      const Spread s = spread(decode_rates_);
      if (verify_) d["verify"] = Json::array();
      for (const Few& few : few_) {
        if (!few.ms.empty()) d["verify"].push_back({{"tokens", few.tokens}, {"ms", to_json(spread(few.ms))}});
      }
      d["decode"] = {{"tokens", decode_}, {"tok_per_s", to_json(s)}, {"gb_per_s", s.median * decode_gb(engine)}};
    }
    return d;
  }

  std::string text(const engine::Engine& engine) const {
    std::string out =
        fmt::format("{}  {} threads, {}, weights {} (in {:.2f} s), chunk {}, depth {}\n\n{:<16}{:>12}{:>22}\n",
                    flags_.path, engine.options().threads, engine.isa(), name_of(engine.options().load), load_s_,
                    engine.options().chunk, depth_, "", "tok/s", "(least to most)");
    auto row = [&](const std::string& name, const Spread& s, const std::string& roof) {
      out += fmt::format("{:<16}{:>12.2f}{:>22}   {}\n", name, s.median,
                         fmt::format("{:.2f} to {:.2f}", s.least, s.most), roof);
    };
    if (prefill_ > 0) {
      const Spread s = spread(prefill_rates_);
      row(fmt::format("prefill {}", prefill_), s, fmt::format("{:.1f} GMAC/s", s.median * double(facts_.macs) / 1e9));
    }
    if (decode_ > 0) {
      const Spread s = spread(decode_rates_);
      row(fmt::format("decode {}", decode_), s, fmt::format("{:.1f} GB/s", s.median * decode_gb(engine)));
      for (const Few& few : few_) {
        if (few.ms.empty()) continue;
        const double ms = spread(few.ms).median;
        out += fmt::format("a pass of {}: {:>10.2f} ms, as long as {:.2f} passes of one token\n", few.tokens, ms,
                           ms * s.median / 1000);
      }
    }
    return out;
  }

  ModelFlags flags_;
  struct Few {  ///< passes of so many tokens, and what they took
    int tokens;
    std::vector<double> ms = {};
  };

  int prefill_ = 512, decode_ = 64, depth_ = 0, repeat_ = 3;
  bool json_ = false, verify_ = false;
  std::array<Few, 3> few_{{{2}, {4}, {8}}};
  double load_s_ = 0;
  ModelFacts facts_;
  std::vector<double> prefill_rates_, decode_rates_;
};

}  // namespace

std::unique_ptr<Verb> make_bench() { return std::make_unique<Bench>(); }

}  // namespace apr::cli
