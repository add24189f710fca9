#pragma once
#include <span>
#include <vector>

#include "sampling/choice.h"
#include "sampling/dry.h"
#include "sampling/mask.h"
#include "sampling/mirostat.h"
#include "sampling/params.h"
#include "sampling/penalties.h"
#include "sampling/random.h"

namespace apr::sampling {

/// Picks tokens from logits. Deterministic for a seed: plain double arithmetic in a fixed order.
///
/// The order: weights exp((logit - largest) / temperature) are added up one after another, best first where the chain
/// sorts (top-k, top-p, typical), else by id; a token is drawn by taking them off a random part of that sum. Where that
/// would mean the whole vocabulary, estimates with a proven bound decide instead, unless they are too close to call.
///
/// Random numbers: each token that is drawn takes one of the generator of `seed`. Whether XTC excludes takes one of a
/// second generator. So a token that XTC left alone is the one that would have been drawn without it.
///
/// To add a stage: its file, a field of Params with a check, and a line in pick() or adjust(); then in the tests'
/// PlainSampler, which says the same without short cuts.
///
/// shape   logits [V] f32, dimensionless; NaN counts as -infinity, +infinity as the largest number there is, so too
/// after
///         each stage that changes them
/// needs   params that validate() accepts; V >= 1, the same in each call
/// errors  none
/// threads one sampler per sequence; not shared
class Sampler {
 public:
  explicit Sampler(Params params);
  /// Tells it of a token of the prompt or of the answer, so that penalties and DRY see it.
  void accept(Token token);
  /// A token that the mask holds; an empty mask holds all. -1 when there is none with a finite logit: all are banned,
  /// or not numbers. needs: a mask of mask_words(V), or empty
  Token pick(std::span<const float> logits, Mask mask = {});
  const Params& params() const { return params_; }

 private:
  void adjust(std::span<const float> logits, Mask mask);

  Params params_;
  Random random_, xtc_random_;
  std::vector<Token> history_;
  Penalties penalties_;
  Dry dry_;
  Mirostat mirostat_;
  Choice choice_;
};

}  // namespace apr::sampling
