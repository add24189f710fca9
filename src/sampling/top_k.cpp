#include "sampling/top_k.h"

namespace apr::sampling {

void keep_top_k(Choice& choice, size_t k) {
  if (k == 0 || k >= choice.scores().size()) return;
  choice.gather(choice.scores().reached_by(k + 1));
  if (choice.list().size() <= k) return;  // there is nothing to leave out
  choice.sort_to(k);
  choice.keep(0, k);
}

}  // namespace apr::sampling
