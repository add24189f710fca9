#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "quant/types.h"

namespace apr::kernels {

/// A view of f32 numbers, row-major: [rows, cols]. Owns nothing; the memory is the Ops' arena or the caller's.
struct Mat {
  float* data = nullptr;
  int rows = 0, cols = 0;
  float* row(int r) const { return data + size_t(r) * size_t(cols); }
  Mat last_row() const { return {data ? row(rows - 1) : nullptr, 1, cols}; }  ///< of a Mat that is only measured, too
  std::span<float> flat() const { return {data, size_t(rows) * size_t(cols)}; }
};

/// A view of a matrix of weights as the file stores it: n_out rows of n_in elements in blocks of `type`.
/// Later layouts (packed panels) are further fields here; verbs ask Ops, never the bytes.
struct Weight {
  quant::Type type = quant::Type::F32;
  int n_out = 0, n_in = 0;
  const std::byte* data = nullptr;
  uint64_t row_bytes = 0;
  explicit operator bool() const { return data != nullptr; }
  const std::byte* row(int r) const { return data + uint64_t(r) * row_bytes; }
  /// The row, if 16 whole ones begin there; else null.
  const std::byte* panel(int r) const { return r + 16 <= n_out ? row(r) : nullptr; }
};

/// E matrices of one shape, stacked: [E, n_out, n_in].
struct ExpertWeights {
  Weight first;  ///< matrix of expert 0
  int count = 0;
  Weight operator[](int e) const {
    Weight w = first;
    w.data += uint64_t(e) * uint64_t(first.n_out) * first.row_bytes;
    return w;
  }
};

}  // namespace apr::kernels
