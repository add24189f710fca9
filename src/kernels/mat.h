#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "quant/types.h"

namespace apr::kernels {

/// A view of f32 numbers, row-major: [rows, cols]. Owns nothing; the memory is the Ops' arena or the caller's.
struct Mat {
  float* data = nullptr;
  int rows = 0, cols = 0;
  float* row(int r) const { return data + size_t(r) * size_t(cols); }
  std::span<float> flat() const { return {data, size_t(rows) * size_t(cols)}; }
};

/// Rows of a weight matrix that are worked on together, and lanes of the logical vector that every instruction set
/// offers.
inline constexpr int kPanelRows = 16;
inline constexpr int kLanes = 16;

/// A view of a matrix of weights, n_out rows of n_in elements in blocks of `type`: as the file stores it, row after
/// row, or packed (pack.h), panel after panel of 16 rows. Verbs take both and give the same bits; embed() takes rows.
struct Weight {
  quant::Type type = quant::Type::F32;
  int n_out = 0, n_in = 0;
  const std::byte* data = nullptr;
  uint64_t row_bytes = 0;      ///< of a stored row
  uint64_t panel_bytes = 0;    ///< of a packed panel; 0: not packed
  std::string_view name = {};  ///< "attn_q.weight", for observers; lives as long as the program
  explicit operator bool() const { return data != nullptr; }
  bool packed() const { return panel_bytes != 0; }
  /// needs: !packed()
  const std::byte* row(int r) const { return data + uint64_t(r) * row_bytes; }
  int panels() const { return (n_out + kPanelRows - 1) / kPanelRows; }
  uint64_t bytes() const { return packed() ? uint64_t(panels()) * panel_bytes : uint64_t(n_out) * row_bytes; }
  /// Where the 16 rows from r on begin, a multiple of 16; null if there are fewer.
  const std::byte* panel(int r) const {
    if (packed()) return r < n_out ? data + uint64_t(r / kPanelRows) * panel_bytes : nullptr;
    return r + kPanelRows <= n_out ? row(r) : nullptr;
  }
};

/// E matrices of one shape, stacked: [E, n_out, n_in].
struct ExpertWeights {
  Weight first;  ///< matrix of expert 0
  int count = 0;
  Weight operator[](int e) const {
    Weight w = first;
    w.data += uint64_t(e) * first.bytes();
    return w;
  }
};

}  // namespace apr::kernels
