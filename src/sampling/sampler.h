#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace apr::sampling {

using Token = int32_t;

/// How the next token is chosen. The stages run in the order of the fields.
struct Params {
  float repetition_penalty = 1.0f;  ///< > 0; divides positive and multiplies negative logits of seen tokens (arXiv:1909.05858); 1 = off
  float presence_penalty = 0.0f;    ///< subtracted once from the logit of every seen token
  float frequency_penalty = 0.0f;   ///< subtracted per occurrence
  int penalty_window = 64;          ///< tokens of the past that count as seen; -1 = all, 0 = none
  std::map<Token, float> logit_bias;  ///< added to logits; -inf bans
  float temperature = 0.0f;         ///< 0 = greedy: the largest logit, ties to the lower id
  int top_k = 0;                    ///< keep the k largest; 0 = all
  float top_p = 1.0f;               ///< keep the smallest set of largest probabilities with sum >= p (arXiv:1904.09751)
  float min_p = 0.0f;               ///< drop what is less probable than min_p times the largest (arXiv:2407.01082)
  uint64_t seed = 0;                ///< same seed, same logits, same tokens: on every machine
};

/// Throws Usage with the field's name, what was found and what is allowed.
void validate(const Params& params, size_t vocab);

/// Picks tokens from logits. Deterministic for a seed.
///
/// shape   logits [V] f32, dimensionless; NaN counts as -inf
/// errors  none after validate()
/// threads one sampler per sequence; not shared
class Sampler {
 public:
  explicit Sampler(Params params);
  /// Tells it of a token of the prompt or of the answer, so that penalties see it.
  void accept(Token token);
  Token pick(std::span<const float> logits);
  const Params& params() const { return params_; }

 private:
  Params params_;
  std::vector<Token> history_;
  uint64_t state_[4];
  struct Candidate {
    float logit;
    Token id;
  };
  std::vector<Candidate> candidates_;  // kept between calls: no allocation per token
  std::vector<float> scratch_;
};

}  // namespace apr::sampling
