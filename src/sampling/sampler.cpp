#include "sampling/sampler.h"

#include <utility>

#include "sampling/min_p.h"
#include "sampling/top_k.h"
#include "sampling/top_p.h"
#include "sampling/typical.h"
#include "sampling/xtc.h"

namespace apr::sampling {
namespace {

/// Makes another seed of a seed for XTC's numbers. Any constant will do; this one is the golden ratio's bits, turned.
constexpr uint64_t kXtcSeed = 0xf39cc0605cedc834;

}  // namespace

Sampler::Sampler(Params params)
    : params_(std::move(params)),
      random_(params_.seed),
      xtc_random_(params_.seed ^ kXtcSeed),
      mirostat_(double(params_.mirostat_tau), double(params_.mirostat_eta)) {}

void Sampler::accept(Token token) { history_.push_back(token); }

Token Sampler::pick(std::span<const float> logits, Mask mask) {
  adjust(logits, mask);
  const Scores& scores = choice_.scores();
  if (params_.temperature == 0 || scores.largest() == kBanned) return scores.first_largest();
  const double part = random_.uniform();
  choice_.begin(double(params_.temperature));
  if (params_.mirostat_tau > 0) return mirostat_.draw(choice_, part);
  keep_top_k(choice_, size_t(params_.top_k));
  keep_nucleus(choice_, double(params_.top_p));
  drop_improbable(choice_, double(params_.min_p));
  keep_typical(choice_, double(params_.typical_p));
  if (params_.xtc_probability > 0 && xtc_random_.uniform() < double(params_.xtc_probability))
    exclude_top(choice_, double(params_.xtc_threshold));
  return choice_.draw(part);
}

/// The scores become the logits after penalties, DRY, bias and mask.
void Sampler::adjust(std::span<const float> logits, Mask mask) {
  Scores& scores = choice_.scores();
  scores.assign(logits);
  penalties_.apply(history_, params_, scores);
  dry_.apply(history_, params_, scores);
  for (const auto& [id, bias] : params_.logit_bias) scores.set(size_t(id), scores[size_t(id)] + bias);
  if (!mask.empty()) scores.keep_only(mask);
  scores.settle();
}

}  // namespace apr::sampling
