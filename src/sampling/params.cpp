#include "sampling/params.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "sampling/mask.h"

namespace apr::sampling {
namespace {

void require(bool ok, const char* name, double found, const char* allowed) {
  if (!ok) fail(ErrorCode::Usage, "{}: found {}, expected {}", name, found, allowed);
}

void check_penalties(const Params& p) {
  require(p.repetition_penalty > 0 && std::isfinite(p.repetition_penalty), "repetition penalty", p.repetition_penalty,
          "a number above 0");
  require(std::isfinite(p.presence_penalty), "presence penalty", p.presence_penalty, "a finite number");
  require(std::isfinite(p.frequency_penalty), "frequency penalty", p.frequency_penalty, "a finite number");
  require(p.penalty_window >= -1, "penalty window", p.penalty_window, "-1 (all) or a number of tokens");
}

void check_dry(const Params& p, size_t vocabulary) {
  require(p.dry_multiplier >= 0 && std::isfinite(p.dry_multiplier), "DRY multiplier", p.dry_multiplier,
          "0 (off) or a number above it");
  require(p.dry_base >= 1 && std::isfinite(p.dry_base), "DRY base", p.dry_base, "a number from 1 on");
  require(p.dry_allowed_length >= 1, "DRY allowed length", p.dry_allowed_length, "a number of tokens from 1 on");
  require(p.dry_window >= -1, "DRY window", p.dry_window, "-1 (all) or a number of tokens");
  if (!p.dry_breakers.empty() && p.dry_breakers.size() != mask_words(vocabulary)) {
    fail(ErrorCode::Usage, "DRY breakers: found a set of {} words, expected {} for a vocabulary of {}",
         p.dry_breakers.size(), mask_words(vocabulary), vocabulary);
  }
}

void check_bias(const Params& p, size_t vocabulary) {
  for (const auto& [id, bias] : p.logit_bias) {
    if (id < 0 || size_t(id) >= vocabulary) {
      fail(ErrorCode::Usage, "logit bias: token {} is not in the vocabulary; ids go from 0 to {}", id, vocabulary - 1);
    }
    if (std::isnan(bias) || bias == std::numeric_limits<float>::infinity()) {
      fail(ErrorCode::Usage, "logit bias of token {}: found {}, expected a number, or -inf to ban it", id, bias);
    }
  }
}

void check_cuts(const Params& p) {
  require(p.temperature >= 0 && std::isfinite(p.temperature), "temperature", p.temperature,
          "0 (greedy) or a number above it");
  require(p.top_k >= 0, "top-k", p.top_k, "0 (all) or a number of tokens");
  require(p.top_p > 0 && p.top_p <= 1, "top-p", p.top_p, "a number above 0, up to 1");
  require(p.min_p >= 0 && p.min_p <= 1, "min-p", p.min_p, "a number from 0 to 1");
  require(p.typical_p > 0 && p.typical_p <= 1, "typical", p.typical_p, "a number above 0, up to 1");
  require(p.xtc_probability >= 0 && p.xtc_probability <= 1, "XTC probability", p.xtc_probability,
          "a number from 0 to 1");
  require(p.xtc_threshold > 0 && p.xtc_threshold <= 0.5f, "XTC threshold", p.xtc_threshold,
          "a number above 0, up to 0.5: above it no two tokens can be");
}

void check_mirostat(const Params& p) {
  require(p.mirostat_tau >= 0 && std::isfinite(p.mirostat_tau), "mirostat tau", p.mirostat_tau,
          "0 (off) or a number of bits above it");
  require(p.mirostat_eta > 0 && std::isfinite(p.mirostat_eta), "mirostat eta", p.mirostat_eta, "a number above 0");
  if (p.mirostat_tau == 0) return;
  const char* other = p.top_k > 0             ? "top-k"
                      : p.top_p < 1           ? "top-p"
                      : p.min_p > 0           ? "min-p"
                      : p.typical_p < 1       ? "typical"
                      : p.xtc_probability > 0 ? "XTC"
                                              : nullptr;
  if (other) fail(ErrorCode::Usage, "mirostat and {}: both decide how many tokens stay; leave out one of them", other);
}

}  // namespace

void validate(const Params& params, size_t vocabulary) {
  check_penalties(params);
  check_dry(params, vocabulary);
  check_bias(params, vocabulary);
  check_cuts(params);
  check_mirostat(params);
}

}  // namespace apr::sampling
