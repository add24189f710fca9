#pragma once
#include "kernels/ops.h"

namespace apr::kernels {

/// Below this many numbers, waking the other threads costs more than the work.
inline constexpr size_t kSmall = 8192;

template <class Body>
void Ops::over_rows(int rows, int cols, Body body) {
  if (size_t(rows) * size_t(cols) <= kSmall) {
    for (int r = 0; r < rows; ++r) body(r);
  } else {
    pool_->run(rows, [&](int r, int) { body(r); });
  }
}

}  // namespace apr::kernels
