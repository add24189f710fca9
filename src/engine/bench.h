#pragma once
#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "engine/engine.h"
#include "engine/profile.h"
#include "engine/roofs.h"

namespace apr::engine {

struct BenchPlan {
  int prefill = 512;  ///< tokens; 0: not measured
  int decode = 64;    ///< tokens of each sequence, one by one; 0: not measured
  int batch = 1;      ///< sequences that also decode together; 1: only alone
  int depth = 0;      ///< tokens of context that are already there
  int repeat = 3;
  bool profile = false;
};

/// How fast one thing was. Rounds compute the same tokens, so the work of one is that of each.
struct Figures {
  int tokens = 0, sequences = 1;  ///< tokens of each sequence
  std::vector<double> seconds{};  ///< of each round
  kernels::Work work{};           ///< of a round
  Roofs roofs{};                  ///< the best of those measured right before and right after
  Profile profile{};              ///< of one more round with a watch on every step; empty unless asked for
  double profiled_seconds = 0;    ///< of that round
  int all_tokens() const { return tokens * sequences; }
};

struct BenchResult {
  std::optional<Figures> prefill, decode, batch;
};

/// Measures an engine opened with Options::sequences = plan.batch and room for depth + the more of prefill and decode.
/// Before each measurement the same round runs once unmeasured: it brings the weights into memory, wakes the clocks,
/// and counts the work.
///
/// progress  rounds done and rounds in all
/// cancel    may be set by a signal handler: the result is then nullopt
/// errors    those of RoofMeter; Context
/// threads   as Engine
std::optional<BenchResult> run_bench(Engine& engine, std::vector<Session>& sessions, RoofMeter& meter,
                                     const BenchPlan& plan, const std::function<void(size_t, size_t)>& progress,
                                     const std::atomic<bool>& cancel);

}  // namespace apr::engine
