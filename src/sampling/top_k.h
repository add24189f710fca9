#pragma once
#include "sampling/choice.h"

namespace apr::sampling {

/// Keeps the k best, in order; 0: all.
/// needs: a choice that is whole
void keep_top_k(Choice& choice, size_t k);

}  // namespace apr::sampling
