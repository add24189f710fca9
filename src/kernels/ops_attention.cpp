#include <algorithm>

#include "kernels/ops.h"
#include "kernels/ops_internal.h"

namespace apr::kernels {
namespace {

/// Query rows (tokens x heads of the group) that share what a job widens.
constexpr int kRowsPerJob = 128;
/// Jobs for each thread below which the keys are cut, and items for each thread in a wave of cut ones.
constexpr int kFewJobs = 4, kWaveItems = 8;

/// Tokens of a job. needs: group query heads share a kv head
int tile_of(int tokens, int group) { return std::max(1, std::min(tokens, kRowsPerJob / group)); }
int tiles_of(int tokens, int group) {
  const int tile = tile_of(tokens, group);
  return (tokens + tile - 1) / tile;
}

Work work_of(const Sequence& s, int heads) {
  const uint64_t P = uint64_t(s.kv.length), T = uint64_t(s.tokens), d = uint64_t(s.kv.dim);
  return {.kv_bytes = 2 * uint64_t(s.kv.heads) * (P + T) * s.kv.tile_bytes() / kKvTile,
          .attention_macs = 2 * uint64_t(heads) * d * (T * P + T * (T + 1) / 2)};
}

/// A pass's query rows cut into jobs: for each sequence, tiles of its tokens for each kv head.
struct Cut {
  Mat q, o;
  std::span<const Sequence> sequences;
  int G, group;
  float scale;

  int jobs() const {
    int n = 0;
    for (const Sequence& s : sequences) n += G * tiles_of(s.tokens, group);
    return n;
  }
  /// Over all segments of keys that its last row sees; where its states and scratch are, is to be added.
  AttendJob job(int index) const {
    const Sequence* s = sequences.data();
    int row = 0;  // of q, where s begins
    for (int n; index >= (n = G * tiles_of(s->tokens, group)); ++s) index -= n, row += s->tokens;
    const int tile = tile_of(s->tokens, group);
    const int t0 = (tiles_of(s->tokens, group) - 1 - index / G) * tile;  // the longest first: threads finish together
    const int t1 = std::min(s->tokens, t0 + tile);
    return {.kv = &s->kv,
            .q = q.row(row),
            .o = o.row(row),
            .heads = G * group,
            .group = group,
            .g = index % G,
            .t0 = t0,
            .t1 = t1,
            .segment0 = 0,
            .segment1 = (s->kv.length + t1 + kKeySegment - 1) / kKeySegment,
            .scale = scale,
            .rows = nullptr,
            .scratch = nullptr};
  }
};

}  // namespace

void Ops::append(const KvView& kv, Mat k, Mat v) {
  const Sequence one{kv, k.rows};
  append({&one, 1}, k, v);
}

void Ops::append(std::span<const Sequence> sequences, Mat k, Mat v) {
  if (is_measuring()) return;
  Watch watch(observer_, Step::Append);
  over_rows(k.rows, 2 * k.cols, [&](int t) {
    const Place place = place_of(sequences, t);
    const KvView& kv = place.sequence->kv;
    for (int g = 0; g < kv.heads; ++g) {
      const size_t at = kv.tile(g, place.position());
      const int lane = place.position() % kKvTile;
      k_->store_key(k.row(t) + g * kv.dim, kv.dim, kv.type, kv.k + at, lane);
      k_->store_value(v.row(t) + g * kv.dim, kv.dim, kv.type, kv.v + at, lane);
    }
  });
}

Mat Ops::attend(Mat q, const KvView& kv, float scale) {
  const Sequence one{kv, q.rows};
  return attend(q, {&one, 1}, kv.heads, kv.dim, scale);
}

/// Many jobs are done whole. With few, threads would wait for one that reads a long sequence alone: so the keys are cut
/// into segments, a wave of them at a time, whose states are then joined in order.
Mat Ops::attend(Mat q, std::span<const Sequence> sequences, int G, int d, float scale) {
  Mat o = mat(q.rows, q.cols);
  Scope temporary = scope();
  const int group = q.cols / d / G, rows = tile_of(q.rows, group) * group;
  const size_t scratch_floats = (attend_scratch_floats(rows, d) + kLanes - 1) / kLanes * kLanes,
               state_floats = attend_states_floats(rows, d);
  float* scratch = arena_.take<float>(scratch_floats * size_t(workers()));
  // Waves need jobs * (1 + wave) < 2 * jobs + kWaveItems * workers; whole jobs a state for each worker. Always the most
  // is taken, so that fewer tokens never take more.
  float* states = arena_.take<float>(state_floats * size_t((2 * kFewJobs + kWaveItems) * workers()));
  if (is_measuring()) return o;
  Watch watch(observer_, Step::Attend);
  for (const Sequence& s : sequences) watch.count(work_of(s, G * group));

  const Cut cut{q, o, sequences, G, group, scale};
  const int jobs = cut.jobs();
  if (jobs >= kFewJobs * workers()) {
    pool_->run(jobs, [&](int index, int worker) {
      AttendJob job = cut.job(index);
      job.rows = states + state_floats * size_t(worker);
      job.scratch = scratch + scratch_floats * size_t(worker);
      k_->attend(job);
      k_->attend_finish(job);
    });
    return o;
  }

  float* parts = states + state_floats * size_t(jobs);
  const int wave = (kWaveItems * workers() + jobs - 1) / jobs;
  int segments = 0;
  for (int index = 0; index < jobs; ++index) segments = std::max(segments, cut.job(index).segment1);
  for (int first = 0; first < segments; first += wave) {
    const int here = std::min(wave, segments - first);
    pool_->run(jobs * here, [&](int item, int worker) {  // a job's segments one after another: a stretch of memory
      const int index = item / here, i = item % here, s = first + i;
      AttendJob job = cut.job(index);
      if (s >= job.segment1) return;
      job.segment0 = s, job.segment1 = s + 1;
      job.rows = s == 0 ? states + state_floats * size_t(index) : parts + state_floats * size_t(index * wave + i);
      job.scratch = scratch + scratch_floats * size_t(worker);
      k_->attend(job);
    });
    over_rows(jobs, here * int(state_floats), [&](int index) {
      AttendJob job = cut.job(index);
      job.rows = states + state_floats * size_t(index);
      for (int s = std::max(first, 1); s < std::min(first + here, job.segment1); ++s)
        k_->attend_join(job, s, parts + state_floats * size_t(index * wave + s - first));
      if (first + here >= segments) k_->attend_finish(job);
    });
  }
  return o;
}

}  // namespace apr::kernels
