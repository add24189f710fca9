#include "sampling/min_p.h"

namespace apr::sampling {

void drop_improbable(Choice& choice, double p) {
  if (p == 0) return;
  if (choice.whole()) {
    choice.gather(choice.score_of(p));
    choice.weigh();
  }
  choice.keep_if([&](size_t i) { return choice.weights()[i] >= p; });
}

}  // namespace apr::sampling
