#pragma once
#include "sampling/choice.h"

namespace apr::sampling {

/// XTC, "exclude top choices": of the tokens whose probability among what is left reaches the threshold, all but the
/// least probable are excluded (of equals the one of the highest id stays), so that there must be two for anything to
/// happen. How often it is done is the caller's affair. Keeps the order.
///
/// source  the sampler of that name by P. E. Weidmann (text-generation-webui, pull request 6335)
void exclude_top(Choice& choice, double threshold);

}  // namespace apr::sampling
