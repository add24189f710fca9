#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "sampling/params.h"

namespace apr::cli {

/// The flags that say how tokens are chosen, shared by every verb that generates.
class SamplingFlags {
 public:
  void declare(CLI::App& app);
  /// What can be checked before a model is opened. errors: Usage
  void read();
  /// needs: read(). errors: Usage, by sampling::validate() and engine::breakers_of()
  sampling::Params params(const engine::Engine& engine) const;
  /// A sentence for each flag that was given but does nothing beside the others.
  std::vector<std::string> warnings() const;

 private:
  void declare_penalties(CLI::App& app);
  void declare_cuts(CLI::App& app);
  void warn_of(const std::vector<const CLI::Option*>& flags, const std::string& where,
               std::vector<std::string>& warnings) const;

  sampling::Params params_;
  std::vector<std::string> logit_bias_, breakers_;
  /// Flags that only matter where tokens are drawn; where there are penalties, DRY, XTC and mirostat.
  std::vector<const CLI::Option*> of_draws_, of_penalties_, of_dry_, of_xtc_, of_mirostat_;
};

}  // namespace apr::cli
