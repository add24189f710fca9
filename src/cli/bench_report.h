#pragma once
#include <string>

#include "cli/terminal.h"
#include "engine/bench.h"

namespace apr::cli {

/// What a benchmark was run on and what it found.
struct BenchReport {
  const engine::Engine& engine;
  const engine::BenchPlan& plan;
  const engine::BenchResult& result;
  std::string path, roof_memory;  ///< the model's file; what the roof of reading was measured on
  double load_s;
};

Json to_json(const BenchReport& report);
/// One table, and one more for each profile.
std::string to_table(const BenchReport& report);

}  // namespace apr::cli
