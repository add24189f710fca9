#pragma once
#include <span>
#include <string>

#include "base/large_memory.h"
#include "engine/engine.h"

namespace apr::engine {

/// What this machine can do at best at a moment. Units: bytes/s, multiply-adds/s.
struct Roofs {
  double read = 0;        ///< from memory
  double int8_macs = 0;   ///< with the instruction set in use
  double float_macs = 0;  ///< with the same
  /// Seconds that `work` takes at least; attention counts if asked for.
  double least_seconds(const kernels::Work& work) const;
  /// The higher of each.
  void raise(const Roofs& other);
};

/// Measures roofs on an engine's own threads. Memory is read in huge pages: from the packed weights where there are
/// any, else from memory of its own that is as large as the weights, up to 1 GiB or half of what is free. So a small
/// model's roof is that of the cache which holds it.
///
/// needs   a session made before, so that the weights are where they are used
/// errors  constructor: Memory when not even a few MiB are free
/// threads as Engine
class RoofMeter {
 public:
  explicit RoofMeter(Engine& engine);
  Roofs measure();
  const std::string& memory() const {
    return memory_name_;
  }  ///< what is read, for people: "1.00 GiB of packed weights"

 private:
  Engine& engine_;
  LargeMemory own_;
  std::span<const std::byte> memory_;
  std::string memory_name_;
};

}  // namespace apr::engine
