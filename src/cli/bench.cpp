#include "engine/bench.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "cli/bench_report.h"
#include "cli/model_flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace apr::cli {
namespace {

constexpr const char* kFooter =
    R"(Prefill is counted in multiply-adds of the matrices, decode in bytes of weights and KV cache read, each beside the most
that this machine does at that moment on the same threads (its roof): measured right before and after.
Use an idle machine, and compare ratios within one run.

Examples
  apr bench MODEL.gguf
  apr bench MODEL.gguf -p 2048 -n 32 -d 4096 -r 5 --json
  apr bench MODEL.gguf -p 0 --batch 8
  apr bench MODEL.gguf --profile)";

class Bench final : public Verb {
 public:
  const char* name() const override { return "bench"; }
  const char* summary() const override { return "Measure prefill and decode speed"; }

  void declare(CLI::App& app) override {
    app.footer(kFooter);
    flags_.declare(app);
    app.add_option("-p,--prefill", plan_.prefill, "Tokens to prefill; 0: leave prefill out")
        ->transform(whole_number(0, 1 << 24))
        ->capture_default_str();
    app.add_option("-n,--decode", plan_.decode, "Tokens to decode, one by one; 0: leave decode out")
        ->transform(whole_number(0, 1 << 24))
        ->capture_default_str();
    app.add_option("-b,--batch", plan_.batch, "Sequences that also decode together, a token of each a step; 1: none")
        ->transform(whole_number(1, 1024))
        ->capture_default_str();
    app.add_option("-d,--depth", plan_.depth, "Tokens of context already there, in each sequence")
        ->transform(whole_number(0, 1 << 24))
        ->capture_default_str();
    app.add_option("-r,--repeat", plan_.repeat, "How often each is measured")
        ->transform(whole_number(1, 1000))
        ->capture_default_str();
    app.add_flag("--profile", plan_.profile, "Also where a token's time goes, step by step, in a round of its own");
    app.add_flag("--json", json_, "One JSON document");
  }

  int run() override {
    if (plan_.prefill + plan_.decode == 0) fail(ErrorCode::Usage, "bench: nothing to measure; give -p or -n above 0");
    if (plan_.batch > 1 && plan_.decode == 0)
      fail(ErrorCode::Usage, "--batch: sequences decode together, but -n 0 leaves decode out; give -n above 0");
    const std::atomic<bool>& cancel = catch_interrupts();
    try {
      return measure(cancel);
    } catch (const Interrupted&) {  // half a measurement is none, not even as a document
      note("apr: interrupted before all was measured, so no figures are printed");
      return interrupt_exit_code();
    }
  }

 private:
  int measure(const std::atomic<bool>& cancel) {
    engine::Options options = flags_.options();
    if (options.context == 0) options.context = plan_.depth + std::max(plan_.prefill, plan_.decode);
    options.sequences = plan_.batch;
    const auto start = std::chrono::steady_clock::now();
    engine::Engine engine(flags_.path, options);
    std::vector<engine::Session> sessions;
    for (int s = 0; s < plan_.batch; ++s) sessions.emplace_back(engine);
    const double load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (!engine.warning().empty()) note("apr: warning: " + engine.warning());

    engine::RoofMeter meter(engine);
    const auto result = [&] {
      std::optional<Progress> progress;
      return engine::run_bench(
          engine, sessions, meter, plan_,
          [&](size_t done, size_t all) {
            if (!progress) progress.emplace("measuring", all);
            progress->update(done);
          },
          cancel);
    }();
    if (!result) throw Interrupted{};
    const BenchReport report{engine, plan_, *result, flags_.path, meter.memory(), load_s};
    json_ ? print_json(to_json(report)) : print(to_table(report));
    return 0;
  }

  ModelFlags flags_;
  engine::BenchPlan plan_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_bench() { return std::make_unique<Bench>(); }

}  // namespace apr::cli
