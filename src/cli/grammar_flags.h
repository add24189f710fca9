#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "engine/grammar.h"
#include "sampling/grammar/schema.h"

namespace apr::cli {

/// The flags that bind an answer to a schema, a grammar, or calls of tools.
class GrammarFlags {
 public:
  void declare(CLI::App& app);
  /// Reads and compiles what was given, before a model is opened. errors: Io, BadInput, UnsupportedOperation
  void read();
  /// As OpenAI has them; null: none. needs: read()
  const grammar::Json& tools() const { return tools_; }
  /// needs: read(). Null where nothing was given. errors: Context where not even the shortest match fits into `room`
  /// tokens, should each byte of it take one; those of grammar::rules_of_calls()
  std::unique_ptr<engine::GrammarConstraint> constraint(const engine::Engine& engine, size_t room) const;

 private:
  grammar::Rules rules_of_tools(const engine::Engine& engine) const;

  std::optional<std::string> schema_, grammar_, tools_file_;
  std::string tool_choice_ = "auto";
  grammar::Json tools_;
  std::shared_ptr<const grammar::Program> program_;
};

}  // namespace apr::cli
