#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <vector>

namespace apr::cli {

/// One verb of the program: declares its flags, then runs. To add one: a file, and a line in verbs.cpp.
class Verb {
 public:
  virtual ~Verb() = default;
  virtual const char* name() const = 0;
  virtual const char* summary() const = 0;
  virtual void declare(CLI::App& app) = 0;
  /// Does the work and returns the exit code. errors: apr::Error, reported by main
  virtual int run() = 0;
};

std::vector<std::unique_ptr<Verb>> make_verbs();

}  // namespace apr::cli
