#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "engine/grammar.h"

namespace apr::cli {

/// The flags that bind an answer to a schema or a grammar.
class GrammarFlags {
 public:
  void declare(CLI::App& app);
  /// Reads and compiles what was given, before a model is opened. errors: Io, BadInput, UnsupportedOperation
  void read();
  bool given() const { return program_ != nullptr; }
  /// needs: read(). Null where nothing was given. errors: Context where not even the shortest match fits into `room`
  /// tokens, should each byte of it take one
  std::unique_ptr<engine::GrammarConstraint> constraint(const engine::Engine& engine, size_t room) const;

 private:
  std::optional<std::string> schema_, grammar_;
  std::shared_ptr<const grammar::Program> program_;
};

}  // namespace apr::cli
