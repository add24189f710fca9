#pragma once
#include "sampling/choice.h"

namespace apr::sampling {

/// Locally typical sampling: keeps tokens whose surprise -ln q is nearest to the expected one, the entropy of q, until
/// their probabilities reach p; 1: all. q is what is left, scaled to sum 1.
///
/// The surprise of a token is ln Z - x, with x its exponent (score - largest) / temperature, and the entropy is ln Z -
/// mean(x): so it is the tokens whose x is nearest to the mean of x under q. In the order best first that is a window.
/// It begins as nothing between the tokens above the mean and the others, and grows on the side that is nearer, at a
/// tie to the more probable; of equals, by those next to it.
///
/// source  arXiv:2202.00666
void keep_typical(Choice& choice, double p);

}  // namespace apr::sampling
