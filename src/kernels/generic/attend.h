#pragma once
#include <algorithm>
#include <cstring>
#include <limits>

#include "base/inline.h"
#include "kernels/generic/rows.h"
#include "kernels/table.h"

// Causal grouped-query attention (arXiv:2305.13245), a block of keys at a time with a running maximum and sum
// (online softmax: arXiv:1805.02867; blocked: arXiv:2205.14135). Keys and values of a block are widened to f32 once and
// shared by all query rows of the job and all heads of the group.
namespace apr::kernels::generic {

/// Widens rows first … first + n - 1 of a head's keys or values to f32 rows of dp, the padding zero.
template <class Isa>
APR_INLINE void widen_block(const std::byte* rows, KvType type, int d, int n, int dp, float* out) {
  for (int j = 0; j < n; ++j) {
    float* to = out + size_t(j) * size_t(dp);
    each_vector(d, [&](int i, int count) {
      if (type == KvType::F32) {
        Isa::store(to + i, load_some<Isa>(reinterpret_cast<const float*>(rows) + i, count));
      } else {
        std::byte half[2 * kLanes] = {};
        std::memcpy(half, rows + 2 * i, size_t(2 * count));
        Isa::store(to + i, Isa::load_half(half));
      }
    });
    rows += size_t(d) * (type == KvType::F32 ? 4 : 2);
  }
}

/// The running state of one query row: o holds the values' weighted sum so far, relative to the largest score.
struct Running {
  float most, sum;
};

/// score[j] = scale * q . k[j] for j < n; the rest of the last vector is -infinity.
template <class Isa>
APR_INLINE void score_block(const float* q, const float* k, int n, int dp, float scale, float* score) {
  for (int j = 0; j < n; ++j) {
    typename Isa::F sum = Isa::set(0);
    for (int i = 0; i < dp; i += kLanes)
      sum = Isa::fma(Isa::load(q + i), Isa::load(k + size_t(j) * size_t(dp) + i), sum);
    score[j] = Isa::sum(sum) * scale;
  }
  for (int j = n; j % kLanes != 0; ++j) score[j] = -std::numeric_limits<float>::infinity();
}

/// Turns scores into weights relative to the new maximum and brings the state up to it.
template <class Isa>
APR_INLINE float weigh_block(float* score, int n, Running& state) {
  float most = state.most;
  for (int j = 0; j < n; ++j) most = score[j] > most ? score[j] : most;
  typename Isa::F total = Isa::set(0);
  for (int j = 0; j < n; j += kLanes) {
    Isa::store(score + j, exp<Isa>(Isa::sub(Isa::load(score + j), Isa::set(most))));
    if (n - j < kLanes) std::memset(score + n, 0, size_t(kLanes - (n - j)) * sizeof(float));
    total = Isa::add(total, Isa::load(score + j));
  }
  alignas(64) float shrink[kLanes];
  Isa::store(shrink, exp<Isa>(Isa::set(state.most - most)));
  const float factor = state.sum > 0 ? shrink[0] : 0.0f;
  state.sum = state.sum * factor + Isa::sum(total);
  state.most = most;
  return factor;
}

template <class Isa>
APR_INLINE void add_values(const float* weight, const float* v, int n, int dp, float factor, float* o) {
  constexpr int tile = 4;  // vectors of the head kept in registers
  for (int i = 0; i < dp; i += tile * kLanes) {
    const int vectors = std::min(tile, (dp - i) / kLanes);
    typename Isa::F sum[tile];
    for (int c = 0; c < tile; ++c)
      sum[c] = c < vectors ? Isa::mul(Isa::load(o + i + c * kLanes), Isa::set(factor)) : Isa::set(0);
    if (vectors == tile) {
      for (int j = 0; j < n; ++j) {
        auto w = Isa::set(weight[j]);
        for (int c = 0; c < tile; ++c)
          sum[c] = Isa::fma(w, Isa::load(v + size_t(j) * size_t(dp) + i + c * kLanes), sum[c]);
      }
    } else {
      for (int c = 0; c < vectors; ++c) {
        for (int j = 0; j < n; ++j)
          sum[c] = Isa::fma(Isa::set(weight[j]), Isa::load(v + size_t(j) * size_t(dp) + i + c * kLanes), sum[c]);
      }
    }
    for (int c = 0; c < vectors; ++c) Isa::store(o + i + c * kLanes, sum[c]);
  }
}

template <class Isa>
void attend(const AttendJob& job) {
  const KvView& kv = *job.kv;
  const int d = kv.dim, dp = padded(d), rows = (job.t1 - job.t0) * job.group;
  float* k = job.scratch;
  float* v = k + size_t(kKeyBlock) * size_t(dp);
  float* q = v + size_t(kKeyBlock) * size_t(dp);
  float* o = q + size_t(rows) * size_t(dp);
  float* score = o + size_t(rows) * size_t(dp);
  Running* state = reinterpret_cast<Running*>(score + kKeyBlock);

  auto head = [&](float* base, int r) {  // row r of the job: token t0 + r / group, head r % group of the group
    const size_t t = size_t(job.t0 + r / job.group), h = size_t(job.g * job.group + r % job.group);
    return base + (t * size_t(job.heads) + h) * size_t(d);
  };
  std::memset(q, 0, size_t(rows) * size_t(dp) * 2 * sizeof(float));  // q's padding, and all of o
  for (int r = 0; r < rows; ++r) {
    std::memcpy(q + size_t(r) * size_t(dp), head(const_cast<float*>(job.q), r), size_t(d) * sizeof(float));
    state[r] = {-std::numeric_limits<float>::infinity(), 0};
  }
  const int keys = kv.length + job.t1;  // that the last row may see
  for (int first = 0; first < keys; first += kKeyBlock) {
    const int here = std::min(kKeyBlock, keys - first);
    widen_block<Isa>(kv.k + kv.offset(job.g, first), kv.type, d, here, dp, k);
    widen_block<Isa>(kv.v + kv.offset(job.g, first), kv.type, d, here, dp, v);
    for (int r = 0; r < rows; ++r) {
      const int n = std::min(here, kv.length + job.t0 + r / job.group + 1 - first);
      if (n <= 0) continue;
      score_block<Isa>(q + size_t(r) * size_t(dp), k, n, dp, job.scale, score);
      const float factor = weigh_block<Isa>(score, n, state[r]);
      add_values<Isa>(score, v, n, dp, factor, o + size_t(r) * size_t(dp));
    }
  }
  for (int r = 0; r < rows; ++r) {
    each_vector(d, [&](int i, int count) {
      store_some<Isa>(head(job.o, r) + i, Isa::div(Isa::load(o + size_t(r) * size_t(dp) + i), Isa::set(state[r].sum)),
                      count);
    });
  }
}

}  // namespace apr::kernels::generic
