#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "sampling/token.h"

namespace apr::sampling {

/// How the next token is chosen. The stages run in the order of the fields; docs/SAMPLING.md has their formulas.
/// A grammar's mask comes between logit_bias and temperature.
struct Params {
  float repetition_penalty =
      1.0f;  ///< > 0; divides positive and multiplies negative logits of seen tokens (arXiv:1909.05858); 1 = off
  float presence_penalty = 0.0f;   ///< subtracted once from the logit of every seen token
  float frequency_penalty = 0.0f;  ///< subtracted per occurrence
  int penalty_window = 64;         ///< tokens of the past that count as seen; -1 = all, 0 = none

  float dry_multiplier = 0.0f;              ///< "don't repeat yourself", see dry.h; 0 = off
  float dry_base = 1.75f;                   ///< >= 1; how much more each further token of a repeat costs
  int dry_allowed_length = 2;               ///< >= 1; going on with a repeat of so many tokens costs the multiplier
  int dry_window = -1;                      ///< tokens of the past that are looked at; -1 = all, 0 = none
  std::vector<uint64_t> dry_breakers = {};  ///< set of tokens (mask.h) that no repeat goes across; empty = none

  std::map<Token, float> logit_bias = {};  ///< added to logits; -infinity bans
  float temperature = 0.0f;                ///< divides logits; 0 = greedy: the largest logit, ties to the lower id
  int top_k = 0;                           ///< keep the k largest; 0 = all
  float top_p = 1.0f;  ///< keep the fewest of the most probable whose probabilities reach p (arXiv:1904.09751); 1 = all
  float min_p = 0.0f;  ///< drop what is less probable than min_p times the most probable (arXiv:2407.01082)
  float typical_p = 1.0f;  ///< keep those whose surprise is nearest to the expected until they reach p; 1 = all

  float xtc_probability = 0.0f;  ///< how often the top choices are excluded, see xtc.h; 0 = never
  float xtc_threshold = 0.1f;    ///< above 0, up to 0.5; how probable a top choice is at least

  float mirostat_tau = 0.0f;  ///< the surprise to hold, in bits, see mirostat.h; 0 = off. In place of top_k to xtc
  float mirostat_eta = 0.1f;  ///< > 0; how fast it is steered

  uint64_t seed = 0;  ///< same seed, same logits, same tokens
};

/// Throws Usage with the field's name, what was found and what is allowed; so for two that exclude each other.
void validate(const Params& params, size_t vocabulary);

}  // namespace apr::sampling
