#include "cli/sampling_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>

#include "base/error.h"
#include "base/printable.h"
#include "cli/model_flags.h"
#include "engine/breakers.h"

namespace apr::cli {
namespace {

constexpr const char* kGroup = "How tokens are chosen (docs/SAMPLING.md)";

/// What repeats do not go across unless the user says otherwise: line ends, and what opens speech, lists and emphasis.
const std::vector<std::string> kBreakers = {"\n", ":", "\"", "*"};

template <class T>
CLI::Option* number(CLI::App& app, const char* flag, T& value, const char* help) {
  return app.add_option(flag, value, help)->capture_default_str()->group(kGroup);
}

}  // namespace

void SamplingFlags::declare(CLI::App& app) {
  declare_penalties(app);
  app.add_option("--logit-bias", logit_bias_, "ID=VALUE, added to a token's logit; -inf bans it; may be repeated")
      ->allow_extra_args(false)
      ->group(kGroup);
  number(app, "--temperature", params_.temperature, "0: always the most probable token; 0.7 is usual for variety");
  declare_cuts(app);
  number(app, "--seed", params_.seed, "Same seed, same answer")
      ->transform(whole_number(0, std::numeric_limits<uint64_t>::max()));
}

void SamplingFlags::declare_penalties(CLI::App& app) {
  number(app, "--repetition-penalty", params_.repetition_penalty, "Above 1: tokens already there become less likely");
  number(app, "--presence-penalty", params_.presence_penalty, "Taken from the logit of tokens already there");
  number(app, "--frequency-penalty", params_.frequency_penalty, "The same for each time that they are");
  of_penalties_ = {
      number(app, "--penalty-window", params_.penalty_window, "How many tokens back penalties look; -1: all")
          ->transform(whole_number(-1, 1 << 30))};
  number(app, "--dry-multiplier", params_.dry_multiplier,
         "DRY: what a token pays that would go on with a repeat of the allowed length; 0.8 is usual; 0: off");
  of_dry_ = {
      number(app, "--dry-base", params_.dry_base, "DRY: by how much that grows with each further token of the repeat"),
      number(app, "--dry-allowed-length", params_.dry_allowed_length, "DRY: repeats shorter than this cost nothing")
          ->transform(whole_number(1, 1 << 30)),
      number(app, "--dry-window", params_.dry_window, "DRY: how many tokens back it looks; -1: all")
          ->transform(whole_number(-1, 1 << 30)),
      app.add_option("--dry-breaker", breakers_,
                     "DRY: text that repeats do not go across; may be repeated; none: nothing but control tokens. "
                     "Default: a line end, : \" and *")
          ->allow_extra_args(false)
          ->group(kGroup)};
}

void SamplingFlags::declare_cuts(CLI::App& app) {
  CLI::Option* top_k = number(app, "--top-k", params_.top_k, "Only the k most probable tokens; 0: all");
  top_k->transform(whole_number(0, 1 << 30));
  CLI::Option* top_p = number(app, "--top-p", params_.top_p, "Only the most probable tokens that together reach p");
  CLI::Option* min_p = number(app, "--min-p", params_.min_p, "Only tokens at least p times as probable as the best");
  CLI::Option* typical =
      number(app, "--typical", params_.typical_p, "Only tokens about as surprising as expected, that together reach p");
  CLI::Option* xtc = number(app, "--xtc-probability", params_.xtc_probability,
                            "XTC: how often the most probable tokens are excluded; 0: never");
  of_xtc_ = {number(app, "--xtc-threshold", params_.xtc_threshold,
                    "XTC: how probable those are at least; the least probable of them stays")};
  CLI::Option* mirostat = number(app, "--mirostat-tau", params_.mirostat_tau,
                                 "Mirostat 2: steers the surprise of tokens to this many bits, in place of top-k, "
                                 "top-p, min-p, typical and XTC; 5 is usual; 0: off");
  of_mirostat_ = {number(app, "--mirostat-eta", params_.mirostat_eta, "Mirostat: how fast it steers")};
  of_draws_ = {top_k, top_p, min_p, typical, xtc, mirostat};
}

void SamplingFlags::read() {
  for (const std::string& entry : logit_bias_) {
    const size_t equals = entry.find('=');
    engine::Token id = -1;
    float value = 0;
    int used = 0;
    const char* id_end = entry.data() + std::min(equals, entry.size());
    const auto [stop, error] = std::from_chars(entry.data(), id_end, id);
    if (error != std::errc() || stop != id_end || equals == std::string::npos ||
        std::sscanf(id_end, "=%f%n", &value, &used) != 1 || id_end + used != entry.data() + entry.size()) {
      fail(ErrorCode::Usage, "--logit-bias: found '{}', expected ID=VALUE such as 151645=-5 or 13=-inf",
           printable(entry));
    }
    params_.logit_bias[id] = value;
  }
  if (breakers_.size() > 1 && std::find(breakers_.begin(), breakers_.end(), "none") != breakers_.end())
    fail(ErrorCode::Usage, "--dry-breaker none: stands beside other texts; give it alone, or leave it out");
}

sampling::Params SamplingFlags::params(const engine::Engine& engine) const {
  sampling::Params params = params_;
  sampling::validate(params, size_t(engine.config().V));
  if (params.dry_multiplier == 0) return params;
  const bool none = breakers_.size() == 1 && breakers_[0] == "none";
  const std::vector<std::string>& texts = breakers_.empty() ? kBreakers : breakers_;
  params.dry_breakers = engine::breakers_of(engine, none ? std::span<const std::string>() : texts);
  return params;
}

void SamplingFlags::warn_of(const std::vector<const CLI::Option*>& flags, const std::string& where,
                            std::vector<std::string>& warnings) const {
  for (const CLI::Option* flag : flags) {
    if (flag->count() > 0) warnings.push_back(fmt::format("{} does nothing {}", flag->get_name(), where));
  }
}

std::vector<std::string> SamplingFlags::warnings() const {
  const sampling::Params& p = params_;
  std::vector<std::string> all;
  if (p.repetition_penalty == 1 && p.presence_penalty == 0 && p.frequency_penalty == 0)
    warn_of(of_penalties_, "without a penalty", all);
  if (p.dry_multiplier == 0) warn_of(of_dry_, "without --dry-multiplier", all);
  if (p.temperature == 0) warn_of(of_draws_, "at temperature 0", all);
  if (p.xtc_probability == 0) warn_of(of_xtc_, "without --xtc-probability", all);
  if (p.mirostat_tau == 0) warn_of(of_mirostat_, "without --mirostat-tau", all);
  return all;
}

}  // namespace apr::cli
