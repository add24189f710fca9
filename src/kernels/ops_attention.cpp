#include <algorithm>

#include "kernels/ops.h"
#include "kernels/ops_internal.h"

namespace apr::kernels {
namespace {

/// Query rows (tokens x heads of the group) that share one widening of a key block.
constexpr int kRowsPerJob = 64;

/// Tokens of a job. needs: group query heads share a kv head
int tile_of(int tokens, int group) { return std::max(1, std::min(tokens, kRowsPerJob / group)); }
int tiles_of(int tokens, int group) {
  const int tile = tile_of(tokens, group);
  return (tokens + tile - 1) / tile;
}

Work work_of(const Sequence& s, int heads) {
  const uint64_t P = uint64_t(s.kv.length), T = uint64_t(s.tokens), d = uint64_t(s.kv.dim);
  return {.kv_bytes = 2 * uint64_t(s.kv.heads) * (P + T) * d * s.kv.element_bytes(),
          .attention_macs = 2 * uint64_t(heads) * d * (T * P + T * (T + 1) / 2)};
}

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
      const size_t at = kv.offset(g, place.position());
      k_->store_kv(k.row(t) + g * kv.dim, kv.dim, kv.type, kv.k + at);
      k_->store_kv(v.row(t) + g * kv.dim, kv.dim, kv.type, kv.v + at);
    }
  });
}

Mat Ops::attend(Mat q, const KvView& kv, float scale) {
  const Sequence one{kv, q.rows};
  return attend(q, {&one, 1}, kv.heads, kv.dim, scale);
}

Mat Ops::attend(Mat q, std::span<const Sequence> sequences, int G, int d, float scale) {
  Mat o = mat(q.rows, q.cols);
  Scope temporary = scope();
  const int heads = q.cols / d, group = heads / G;
  const size_t floats = (attend_scratch_floats(tile_of(q.rows, group), group, d) + kLanes) / kLanes * kLanes;
  float* scratch = arena_.take<float>(floats * size_t(workers()));
  if (is_measuring()) return o;
  Watch watch(observer_, Step::Attend);
  for (const Sequence& s : sequences) watch.count(work_of(s, heads));

  int jobs = 0;
  for (const Sequence& s : sequences) jobs += G * tiles_of(s.tokens, group);
  pool_->run(jobs, [&](int job, int worker) {
    const Sequence* s = sequences.data();
    int row = 0;  // of q, where s begins
    for (int n; job >= (n = G * tiles_of(s->tokens, group)); ++s) job -= n, row += s->tokens;
    const int tile = tile_of(s->tokens, group);
    const int t0 = (tiles_of(s->tokens, group) - 1 - job / G) * tile;  // the longest first: threads finish together
    k_->attend({&s->kv, q.row(row), o.row(row), heads, group, job % G, t0, std::min(s->tokens, t0 + tile), scale,
                scratch + floats * size_t(worker)});
  });
  return o;
}

}  // namespace apr::kernels
