#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "engine/engine.h"

namespace apr::cli {

/// The flags that say how a model is opened, shared by every verb that runs one.
class ModelFlags {
 public:
  void declare(CLI::App& app);
  /// errors: Usage
  engine::Options options() const;
  std::string path;
  int context = 0;
  uint64_t expected_tokens = 0;  ///< see engine::Options

 private:
  int threads_ = 0, chunk_ = 512;
  std::string isa_, kv_ = "auto", load_ = "auto";
};

/// "mmap", "packed" or "read": how the weights came.
std::string name_of(engine::Load load);

/// Accepts decimal digits, with a minus where `least` is negative, from least on: no octal, no wrapping round.
CLI::Validator whole_number(int64_t least, uint64_t most);

/// Declares the positional MODEL.
void declare_model(CLI::App& app, std::string& path);

}  // namespace apr::cli
