#pragma once
// Products by the contract in kernels/table.h, element by element, and in double: what every instruction set is held
// to.
#include <array>
#include <cmath>
#include <vector>

#include "quant/reference.h"

namespace apr::test {

/// 32 activations by the definition: the largest magnitude maps to 127.
struct QuantisedBlock {
  float scale = 0;
  std::array<int, 32> code{};
  int sum(int from, int to) const {
    int s = 0;
    for (int i = from; i < to; ++i) s += code[size_t(i)];
    return s;
  }
};

inline std::vector<QuantisedBlock> quantise_reference(const float* x, int n) {
  std::vector<QuantisedBlock> blocks(size_t(n + 31) / 32);
  for (size_t b = 0; b < blocks.size(); ++b) {
    const int start = int(b) * 32, end = std::min(n, start + 32);
    float most = 0;
    for (int i = start; i < end; ++i) most = std::fmax(most, std::fabs(x[i]));
    if (most <= 1e-30f) continue;
    blocks[b].scale = most / 127.0f;
    const float inverse = 127.0f / most;
    for (int i = start; i < end; ++i) blocks[b].code[size_t(i - start)] = int(std::nearbyint(x[i] * inverse));
  }
  return blocks;
}

/// Elements that share a scale.
inline int group_of(Type type) { return type == Type::Q2_K || type == Type::Q3_K || type == Type::Q6_K ? 16 : 32; }

using Row = std::vector<Element>;
inline Row read_row(Type type, const std::byte* bytes, int n) {
  Row row;
  for (int i = 0; i < n; ++i) row.push_back(row_element(type, bytes, i));
  return row;
}

/// Adds sixteen lanes as a tree: i with i + 8, + 4, + 2, + 1.
inline float add_lanes(std::array<float, 16> lane) {
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

/// Weights stored as floats: lane i takes elements i, i + 16, …
inline float float_product(const Row& w, const float* x) {
  std::array<float, 16> lane{};
  for (size_t i = 0; i < w.size(); ++i) lane[i % 16] = std::fma(float(w[i].value()), x[i], lane[i % 16]);
  return add_lanes(lane);
}

/// Quantised weights: per group an exact integer sum, then one fma to the sum and one to the sum of mins.
inline float quantised_product(const Row& w, int group, const std::vector<QuantisedBlock>& x) {
  float main = 0, mins = 0;
  for (size_t start = 0; start < w.size(); start += size_t(group)) {
    const QuantisedBlock& b = x[start / 32];
    const size_t in_block = start % 32;
    int sum = 0;
    for (size_t i = 0; i < size_t(group); ++i) sum += w[start + i].code * b.code[in_block + i];
    const float x_sum = b.scale * float(b.sum(int(in_block), int(in_block) + group));
    main = std::fma(float(sum), float(w[start].scale) * b.scale, main);
    mins = std::fma(float(w[start].min), x_sum, mins);
  }
  return main - mins;
}

/// The same product in double, and the sum of its terms' magnitudes.
struct Exact {
  double value = 0, magnitude = 0;
  void add(double term) { value += term, magnitude += std::fabs(term); }
};
inline Exact exact_product(const Row& w, const float* x) {
  Exact e;
  for (size_t i = 0; i < w.size(); ++i) e.add(w[i].value() * double(x[i]));
  return e;
}
inline Exact exact_product(const Row& w, const std::vector<QuantisedBlock>& x) {
  Exact e;
  for (size_t i = 0; i < w.size(); ++i) {
    const double xi = double(x[i / 32].scale) * x[i / 32].code[i % 32];
    e.add(w[i].scale * w[i].code * xi);
    e.add(-w[i].min * xi);
  }
  return e;
}

}  // namespace apr::test
