#include "engine/bench.h"

#include <chrono>

namespace apr::engine {
namespace {

struct Cancelled {};

/// Ids that jump about the vocabulary, the same in every run.
std::vector<Token> some_tokens(int n, int vocabulary, uint64_t salt) {
  std::vector<Token> ids;
  for (int i = 0; i < n; ++i) {
    salt = salt * 6364136223846793005u + 1442695040888963407u;
    ids.push_back(Token((salt >> 33) % uint64_t(vocabulary)));
  }
  return ids;
}

class Bench {
 public:
  Bench(Engine& engine, std::vector<Session>& sessions, RoofMeter& meter, const BenchPlan& plan,
        const std::function<void(size_t, size_t)>& progress, const std::atomic<bool>& cancel)
      : engine_(engine), sessions_(sessions), meter_(meter), plan_(plan), progress_(progress), cancel_(cancel) {}

  BenchResult run() {
    const int V = engine_.config().V;
    for (size_t s = 0; s < sessions_.size(); ++s) {
      sessions_[s].stop_when(&cancel_);
      if (plan_.depth > 0) extend(sessions_[s], some_tokens(plan_.depth, V, 1000 + s));
      next_.push_back(some_tokens(plan_.decode, V, 77 + s));
    }
    BenchResult result;
    if (plan_.prefill > 0) {
      const auto prompt = some_tokens(plan_.prefill, V, 2);
      result.prefill = measure(plan_.prefill, 1, [&] { extend(sessions_.front(), prompt); });
    }
    if (plan_.decode > 0) {
      result.decode = measure(plan_.decode, 1, [&] {
        for (const Token& id : next_.front()) extend(sessions_.front(), {&id, 1});
      });
    }
    if (plan_.decode > 0 && plan_.batch > 1)
      result.batch = measure(plan_.decode, plan_.batch, [&] { decode_together(); });
    return result;
  }

 private:
  void extend(Session& session, std::span<const Token> tokens) {
    if (session.extend(tokens).empty()) throw Cancelled{};
  }

  void decode_together() {
    std::vector<Step> steps(sessions_.size());
    for (size_t i = 0; i < next_.front().size(); ++i) {
      for (size_t s = 0; s < steps.size(); ++s) steps[s] = {&sessions_[s], {&next_[s][i], 1}};
      if (!extend_together(steps, &cancel_).data) throw Cancelled{};
    }
  }

  template <class Round>
  double seconds_of(Round round) {
    for (Session& s : sessions_) s.truncate(size_t(plan_.depth));
    const auto start = std::chrono::steady_clock::now();
    round();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    progress_(++done_, rounds());
    return seconds;
  }

  template <class Round>
  double seconds_watched(Profile& profile, Round round) {
    engine_.observe(&profile);
    struct Unwatch {
      Engine& engine;
      ~Unwatch() { engine.observe(nullptr); }
    } unwatch{engine_};
    return seconds_of(round);
  }

  template <class Round>
  Figures measure(int tokens, int sequences, Round round) {
    Figures f{.tokens = tokens, .sequences = sequences};
    Profile counted;
    seconds_watched(counted, round);
    f.work = counted.work();
    f.roofs = meter_.measure();
    for (int r = 0; r < plan_.repeat; ++r) f.seconds.push_back(seconds_of(round));
    if (plan_.profile) f.profiled_seconds = seconds_watched(f.profile, round);
    f.roofs.raise(meter_.measure());
    return f;
  }

  size_t rounds() const {
    const size_t kinds = size_t(plan_.prefill > 0) + size_t(plan_.decode > 0) * (plan_.batch > 1 ? 2 : 1);
    return kinds * size_t(plan_.repeat + 1 + plan_.profile);
  }

  Engine& engine_;
  std::vector<Session>& sessions_;
  RoofMeter& meter_;
  const BenchPlan& plan_;
  const std::function<void(size_t, size_t)>& progress_;
  const std::atomic<bool>& cancel_;
  std::vector<std::vector<Token>> next_;  ///< of each sequence, to decode
  size_t done_ = 0;
};

}  // namespace

std::optional<BenchResult> run_bench(Engine& engine, std::vector<Session>& sessions, RoofMeter& meter,
                                     const BenchPlan& plan, const std::function<void(size_t, size_t)>& progress,
                                     const std::atomic<bool>& cancel) {
  try {
    return Bench(engine, sessions, meter, plan, progress, cancel).run();
  } catch (const Cancelled&) {
    return std::nullopt;
  }
}

}  // namespace apr::engine
