#pragma once
#include "sampling/choice.h"

namespace apr::sampling {

/// Mirostat, version 2: holds the surprise of what is chosen, -log2 of its probability, near a target tau.
///
///   keep the tokens whose surprise is at most mu, and the most probable one in any case; draw one of them
///   mu <- mu - eta (surprise of the one drawn - tau); at first mu = 2 tau
///
/// Surprise is meant among all tokens, before any are cut. The sum of all that it takes is the blocks'
/// (Scores::sum_exp), the same on every machine, within 1e-9 of the exact one.
///
/// units   tau and mu in bits; eta has none
/// source  arXiv:2007.14966; version 2 cuts by mu itself, where the paper estimates a k from it
class Mirostat {
 public:
  Mirostat(double tau, double eta) : tau_(tau), eta_(eta), mu_(2 * tau) {}
  /// Draws with `part` (0 to 1) of a choice that is whole.
  Token draw(Choice& choice, double part);

 private:
  double tau_, eta_, mu_;
};

}  // namespace apr::sampling
