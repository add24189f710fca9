#pragma once
#include <algorithm>
#include <cstring>
#include <limits>

#include "base/inline.h"
#include "kernels/generic/attend_ints.h"
#include "kernels/generic/attend_scores.h"
#include "kernels/generic/attend_values.h"
#include "kernels/table.h"

// Causal grouped-query attention (arXiv:2305.13245), a block of keys at a time with a running maximum and sum
// (online softmax: arXiv:1805.02867; blocked: arXiv:2205.14135), segments of keys joined in order (arXiv:2311.01282).
//
// A job's query rows, the heads of a group for some tokens, go in tiles of a few rows over each block. They read it
// where it lies in the cache, but for many rows halves are first widened to f32, in the layout of an F32 cache.
namespace apr::kernels::generic {

/// Tiles of rows up to which widening a block of halves is not worth it.
inline constexpr int kTilesInPlace = 2;

/// Rows of a job, and where its scratch memory goes.
template <class Isa>
struct AttendPlan {
  static constexpr int R = Isa::row_tile;
  static_assert(kRowPadding % R == 0 && R <= kLanes);

  APR_INLINE explicit AttendPlan(const AttendJob& j)
      : job(j),
        kv(*j.kv),
        d(kv.dim),
        dp(padded(d)),
        rows((j.t1 - j.t0) * j.group),
        stride(attend_row_floats(d)),
        q(j.scratch),
        part(q + padded_rows(rows) * size_t(dp)),
        score(part + padded_rows(rows) * stride),
        codes(score + R * kKeyBlock),
        wide_k(codes + attend_codes_floats(R, d)),
        wide_v(wide_k + size_t(kKeyBlock) * size_t(dp)) {}

  /// Keys that row r may see, counted from position 0.
  APR_INLINE int seen(int r) const { return kv.length + job.t0 + std::min(r, rows - 1) / job.group + 1; }

  const AttendJob& job;
  const KvView& kv;
  const int d, dp, rows;
  const size_t stride;
  float *q, *part, *score, *codes, *wide_k, *wide_v;
};

/// body.operator()<tile>() for the least of 1, 2, 4 and 8 rows, or the instruction set's most, that holds `rows`.
template <class Isa, class Body>
APR_INLINE void with_rows(int rows, Body body) {
  if constexpr (Isa::row_tile > 4) {
    if (rows > 4) return body.template operator()<8>();
  }
  if constexpr (Isa::row_tile > 2) {
    if (rows > 2) return body.template operator()<4>();
  }
  rows > 1 ? body.template operator()<2>() : body.template operator()<1>();
}

template <class Isa, class Keys>
APR_INLINE void pack_queries(const AttendPlan<Isa>& p) {
  for (int r0 = 0; r0 < p.rows; r0 += AttendPlan<Isa>::R) {
    const float* row[AttendPlan<Isa>::R] = {};
    for (int r = r0; r < std::min(r0 + AttendPlan<Isa>::R, p.rows); ++r) {
      const size_t t = size_t(p.job.t0 + r / p.job.group), h = size_t(p.job.g * p.job.group + r % p.job.group);
      row[r - r0] = p.job.q + (t * size_t(p.job.heads) + h) * size_t(p.d);
    }
    with_rows<Isa>(p.rows - r0,
                   [&]<int R>() { Keys::template pack<R>(row, p.d, p.job.scale, p.q + size_t(r0) * size_t(p.dp)); });
  }
}

template <class Isa, class Blocks>
void attend_block(const AttendPlan<Isa>& p, const KvBlock& block, float* state) {
  KvBlock b = block;
  for (int r0 = 0; r0 < p.rows; r0 += AttendPlan<Isa>::R) {
    int n[AttendPlan<Isa>::R];
    for (int r = 0; r < AttendPlan<Isa>::R; ++r) n[r] = std::clamp(p.seen(r0 + r) - b.first, 0, kKeyBlock);
    if (n[AttendPlan<Isa>::R - 1] == 0) continue;  // later rows see more
    const RowState rows{state + size_t(r0) * p.stride, p.dp};
    const float* q = p.q + size_t(r0) * size_t(p.dp);
    with_rows<Isa>(p.rows - r0, [&]<int R>() {
      score_block<Isa, typename Blocks::Keys, R>(q, b.keys, p.d, n[R - 1], p.score);
      if (n[0] == n[R - 1]) {
        Blocks::template add<R>(b, p.d, n, p.score, p.codes, rows, p.stride);
        return;
      }
      // Rows of several tokens at the end of what they see go one by one: a hidden value is not touched.
      for (int r = 0; r < R; ++r) {
        const RowState row{rows.o + size_t(r) * p.stride, p.dp};
        if (n[r] > 0) Blocks::template add<1>(b, p.d, n + r, p.score + r * kKeyBlock, p.codes, row, p.stride);
      }
    });
    b.keys.soon = b.keys.first, b.values.soon = b.values.first;  // the first tile has asked for it
  }
}

/// Widens tiles of halves, keys or values, to the layout of an F32 cache.
template <class Isa>
APR_INLINE Tiles widen(Tiles from, int cells, int tiles, float* out) {
  const Tiles wide{reinterpret_cast<const std::byte*>(out), size_t(cells) * sizeof(float), reinterpret_cast<const std::byte*>(out)};
  for (int t = 0; t < tiles; ++t, from.first += from.tile_bytes) {
    for (int i = 0; i < cells; i += kLanes, out += kLanes) Isa::store(out, Isa::load_half(from.first + size_t(i) * 2));
  }
  return wide;
}

/// One segment's keys for all rows of the job; `state` begins empty.
template <class Isa>
APR_INLINE void attend_segment(const AttendPlan<Isa>& p, int segment, float* state) {
  const KvView& kv = p.kv;
  const size_t tile = kv.tile_bytes(), next = kKeyBlock / kKvTile * tile;
  const int end = std::min((segment + 1) * kKeySegment, p.seen(p.rows - 1));
  for (int first = segment * kKeySegment; first < end; first += kKeyBlock) {
    const int tiles = (std::min(kKeyBlock, end - first) + kKvTile - 1) / kKvTile;
    const size_t at = kv.tile(p.job.g, first);
    KvBlock b{first, {kv.k + at, tile, kv.k + at + next}, {kv.v + at, tile, kv.v + at + next}};
    if (kv.type == KvType::Q8_0) {
      attend_block<Isa, ByteBlocks<Isa>>(p, b, state);
    } else if (kv.type == KvType::Q16) {
      attend_block<Isa, WordBlocks<Isa>>(p, b, state);
    } else if (kv.type == KvType::F16 && p.rows <= kTilesInPlace * p.R) {
      attend_block<Isa, FloatBlocks<Isa, HalfCells<Isa>>>(p, b, state);
    } else {
      if (kv.type == KvType::F16) {
        b.keys = widen<Isa>(b.keys, kKvTile * p.d, tiles, p.wide_k);
        b.values = widen<Isa>(b.values, kKvTile * p.dp, tiles, p.wide_v);
      }
      attend_block<Isa, FloatBlocks<Isa, FloatCells<Isa>>>(p, b, state);
    }
  }
}

/// Joins a segment's states to those of the segments before it.
template <class Isa>
void attend_join(const AttendJob& job, int segment, const float* from) {
  const int d = job.kv->dim, dp = padded(d);
  const size_t stride = attend_row_floats(d);
  for (int r = 0; r < (job.t1 - job.t0) * job.group; ++r) {
    if (job.kv->length + job.t0 + r / job.group < segment * kKeySegment) continue;  // it sees none of this segment
    const RowState into{job.rows + size_t(r) * stride, dp}, part{const_cast<float*>(from) + size_t(r) * stride, dp};
    const float most = into.most() > part.most() ? into.most() : part.most();
    const auto ours = exp<Isa>(Isa::set(into.most() - most)), theirs = exp<Isa>(Isa::set(part.most() - most));
    for (int i = 0; i < dp + kLanes; i += kLanes)  // o, and the lanes of the sum behind it
      Isa::store(into.o + i, Isa::fma(Isa::load(part.o + i), theirs, Isa::mul(Isa::load(into.o + i), ours)));
    into.most() = most;
  }
}

template <class Isa>
void attend(const AttendJob& job) {
  const AttendPlan<Isa> p(job);
  switch (job.kv->type) {
    case KvType::Q8_0:
      pack_queries<Isa, ByteKeys<Isa>>(p);
      break;
    case KvType::Q16:
      pack_queries<Isa, WordKeys<Isa>>(p);
      break;
    case KvType::F16:
    case KvType::F32:
      pack_queries<Isa, FloatKeys<Isa, FloatCells<Isa>>>(p);
  }
  for (int s = job.segment0; s < job.segment1; ++s) {
    float* state = s == job.segment0 ? job.rows : p.part;
    std::memset(state, 0, padded_rows(p.rows) * p.stride * sizeof(float));
    for (size_t r = 0; r < padded_rows(p.rows); ++r)
      RowState{state + r * p.stride, p.dp}.most() = -std::numeric_limits<float>::infinity();
    attend_segment(p, s, state);
    if (s > job.segment0) attend_join<Isa>(job, s, state);
  }
}

template <class Isa>
void attend_finish(const AttendJob& job) {
  const int d = job.kv->dim;
  for (int r = 0; r < (job.t1 - job.t0) * job.group; ++r) {
    const size_t t = size_t(job.t0 + r / job.group), h = size_t(job.g * job.group + r % job.group);
    const RowState row{job.rows + size_t(r) * attend_row_floats(d), padded(d)};
    const auto sum = Isa::set(Isa::sum(Isa::load(row.lanes())));
    float* o = job.o + (t * size_t(job.heads) + h) * size_t(d);
    each_vector(d, [&](int i, int count) { store_some<Isa>(o + i, Isa::div(Isa::load(row.o + i), sum), count); });
  }
}

}  // namespace apr::kernels::generic
