#pragma once
#include <CLI/CLI.hpp>
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

 private:
  int threads_ = 0, chunk_ = 512;
  std::string isa_, kv_ = "auto", load_ = "mmap";
};

/// Declares the positional MODEL.
void declare_model(CLI::App& app, std::string& path);

}  // namespace apr::cli
