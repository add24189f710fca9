#pragma once
#include "sampling/choice.h"

namespace apr::sampling {

/// Nucleus sampling: keeps the fewest of the best, in order, whose weights reach the part p of the sum of all that is
/// left; 1: all.
/// source  arXiv:1904.09751
void keep_nucleus(Choice& choice, double p);

}  // namespace apr::sampling
