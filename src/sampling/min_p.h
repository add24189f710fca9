#pragma once
#include "sampling/choice.h"

namespace apr::sampling {

/// Drops what is less probable than p times the most probable of all; 0: nothing. Keeps the order.
/// source  arXiv:2407.01082
void drop_improbable(Choice& choice, double p);

}  // namespace apr::sampling
