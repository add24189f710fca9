#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sampling/random.h"
#include "sampling/scores.h"

namespace apr::sampling {

/// How the next token is chosen. The stages run in the order of the fields.
struct Params {
  float repetition_penalty =
      1.0f;  ///< > 0; divides positive and multiplies negative logits of seen tokens (arXiv:1909.05858); 1 = off
  float presence_penalty = 0.0f;           ///< subtracted once from the logit of every seen token
  float frequency_penalty = 0.0f;          ///< subtracted per occurrence
  int penalty_window = 64;                 ///< tokens of the past that count as seen; -1 = all, 0 = none
  std::map<Token, float> logit_bias = {};  ///< added to logits; -infinity bans
  float temperature = 0.0f;                ///< divides logits; 0 = greedy: the largest logit, ties to the lower id
  int top_k = 0;                           ///< keep the k largest; 0 = all
  float top_p = 1.0f;  ///< keep the fewest of the most probable whose probabilities reach p (arXiv:1904.09751); 1 = all
  float min_p = 0.0f;  ///< drop what is less probable than min_p times the most probable (arXiv:2407.01082)
  uint64_t seed = 0;   ///< same seed, same logits, same tokens
};

/// Throws Usage with the field's name, what was found and what is allowed.
void validate(const Params& params, size_t vocabulary);

/// Picks tokens from logits. Deterministic for a seed: plain double arithmetic in a fixed order.
///
/// The order: weights exp((logit - largest) / temperature) are added up one after another, best first where the chain
/// sorts (top-k, top-p), else by id; a token is drawn by taking them off a random part of that sum. Where that would
/// mean the whole vocabulary, estimates with a proven bound decide instead, unless they are too close to call.
///
/// shape   logits [V] f32, dimensionless; NaN counts as -infinity
/// needs   params that validate() accepts; V >= 1
/// errors  none
/// threads one sampler per sequence; not shared
class Sampler {
 public:
  explicit Sampler(Params params);
  /// Tells it of a token of the prompt or of the answer, so that penalties see it.
  void accept(Token token);
  /// -1 when no token has a finite logit: all are banned, or not numbers.
  Token pick(std::span<const float> logits);
  const Params& params() const { return params_; }

 private:
  struct Candidate {
    float logit;
    Token id;
  };
  static bool better(const Candidate& a, const Candidate& b);
  void adjust(std::span<const float> logits);
  void penalise(std::span<const float> logits);
  bool keep_top_k(size_t k);
  void gather(float bound);
  double weight_of(float logit) const;
  float score_of(double weight) const;
  void weigh();
  void keep_nucleus();
  bool find_nucleus(double rough);
  std::optional<bool> add_up_to(double goal, double slack);
  size_t sort_on(size_t sorted);
  void drop_improbable();
  Token draw(double part) const;
  Token draw_by_blocks(double part, double rough);

  Params params_;
  Random random_;
  std::vector<Token> history_;
  // Kept between calls, so that a token costs no allocation.
  Scores scores_;
  std::vector<Token> seen_;
  std::vector<std::pair<Token, float>> touched_;  ///< logits after penalties and bias, where these change them
  std::vector<Candidate> candidates_;             ///< what is left; best first where a stage needs it, else by id
  std::vector<double> weights_;
};

}  // namespace apr::sampling
