#pragma once
#include <cstring>

#include "kernels/ops.h"

namespace apr::kernels {

/// Below this many numbers, waking the other threads costs more than the work.
inline constexpr size_t kSmall = 8192;

/// The first n of a panel's 16 lanes.
inline void copy_lanes(float* to, const float* from, int n) {
  n == kPanelRows ? std::memcpy(to, from, kPanelRows * sizeof(float))
                  : std::memcpy(to, from, size_t(n) * sizeof(float));
}

/// Of `matrices` like w whose rows are multiplied with `inputs` inputs in all.
inline Work work_of(const Weight& w, int matrices, int inputs) {
  const uint64_t macs = uint64_t(inputs) * uint64_t(w.n_out) * uint64_t(w.n_in);
  Work work{.weight_bytes = uint64_t(matrices) * w.bytes()};
  (quant::info(w.type).quantised() ? work.int8_macs : work.float_macs) = macs;
  return work;
}

/// Where a row of a pass stands: in which sequence, and at which of that sequence's new tokens.
struct Place {
  const Sequence* sequence;
  int token;
  int position() const { return sequence->kv.length + token; }
};
inline Place place_of(std::span<const Sequence> sequences, int row) {
  const Sequence* s = sequences.data();
  for (; row >= s->tokens; ++s) row -= s->tokens;
  return {s, row};
}

template <class Body>
void Ops::over_rows(int rows, int cols, Body body) {
  if (size_t(rows) * size_t(cols) <= kSmall) {
    for (int r = 0; r < rows; ++r) body(r);
  } else {
    pool_->run(rows, [&](int r, int) { body(r); });
  }
}

}  // namespace apr::kernels
