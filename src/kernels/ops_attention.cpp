#include <algorithm>

#include "kernels/ops.h"
#include "kernels/ops_internal.h"

namespace apr::kernels {

void Ops::append(const KvView& kv, Mat k, Mat v) {
  if (is_measuring()) return;
  over_rows(k.rows, 2 * k.cols, [&](int t) {
    for (int g = 0; g < kv.heads; ++g) {
      const size_t at = kv.offset(g, kv.length + t);
      k_->store_kv(k.row(t) + g * kv.dim, kv.dim, kv.type, kv.k + at);
      k_->store_kv(v.row(t) + g * kv.dim, kv.dim, kv.type, kv.v + at);
    }
  });
}

Mat Ops::attend(Mat q, const KvView& kv, float scale) {
  constexpr int rows_per_job = 64;  // query rows (tokens x heads of the group) that share one widening of a key block
  Mat o = mat(q.rows, q.cols);
  Scope temporary = scope();
  const int heads = q.cols / kv.dim, group = heads / kv.heads;
  const int tile = std::max(1, std::min(q.rows, rows_per_job / group));
  const size_t floats = attend_scratch_floats(tile, group, kv.dim);
  float* scratch = arena_.take<float>((floats + kLanes) / kLanes * kLanes * size_t(workers()));
  if (is_measuring()) return o;

  const int tiles = (q.rows + tile - 1) / tile;
  pool_->run(kv.heads * tiles, [&](int item, int worker) {
    const int t0 = (tiles - 1 - item / kv.heads) * tile;  // the longest first, so that the threads finish together
    k_->attend({&kv, q.data, o.data, heads, group, item % kv.heads, t0, std::min(q.rows, t0 + tile), scale,
                scratch + (floats + kLanes) / kLanes * kLanes * size_t(worker)});
  });
  return o;
}

}  // namespace apr::kernels
