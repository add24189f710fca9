#include <algorithm>
#include <cstring>

#include "kernels/ops.h"
#include "kernels/ops_internal.h"

namespace apr::kernels {
namespace {

/// The K most probable experts of one token, ties to the lower id; their weights are rescaled, adding up from the most
/// probable on, and both are sorted by id.
void keep_largest(const float* p, int E, int K, int* expert, float* weight) {
  for (int e = 0; e < E; ++e) {  // expert[0 … min(e, K) - 1] are the best so far, best first
    int k = std::min(e, K);
    if (k == K && !(p[e] > p[expert[K - 1]])) continue;
    for (k -= k == K; k > 0 && p[e] > p[expert[k - 1]]; --k) expert[k] = expert[k - 1];
    expert[k] = e;
  }
  float total = 0;
  for (int k = 0; k < K; ++k) total += p[expert[k]];
  std::sort(expert, expert + K);
  for (int k = 0; k < K; ++k) weight[k] = p[expert[k]] / total;
}

}  // namespace

Routing Ops::route(Mat logits, int K) {
  const int T = logits.rows, E = logits.cols;
  const size_t slots = size_t(T) * size_t(K);
  Routing r{.tokens = T, .kept = K};
  r.expert = arena_.take<int>(slots);
  r.weight = arena_.take<float>(slots);
  r.used_expert = arena_.take<int>(size_t(E));
  r.first_slot = arena_.take<int>(size_t(E) + 1);
  r.slot_token = arena_.take<int>(slots);
  r.slot_weight = arena_.take<float>(slots);
  int* next = arena_.take<int>(size_t(E));
  if (is_measuring()) return r;
  Watch watch(observer_, Step::Route);

  over_rows(T, 4 * E, [&](int t) {
    k_->softmax(logits.row(t), E);
    keep_largest(logits.row(t), E, K, r.expert + size_t(t) * size_t(K), r.weight + size_t(t) * size_t(K));
  });
  std::fill(next, next + E, 0);
  for (size_t i = 0; i < slots; ++i) ++next[r.expert[i]];
  for (int e = 0, slot = 0; e < E; ++e) {
    const int n = next[e];
    if (n > 0) {
      r.used_expert[r.used] = e;
      r.first_slot[r.used++] = slot;
    }
    next[e] = slot;
    slot += n;
  }
  r.first_slot[r.used] = int(slots);
  for (size_t i = 0; i < slots; ++i) {  // token by token, so slots of an expert are in token order
    const int slot = next[r.expert[i]]++;
    r.slot_token[slot] = int(i) / K;
    r.slot_weight[slot] = r.weight[i];
  }
  return r;
}

Input Ops::gated(Input& x, const Groups& groups, const ExpertWeights& gate, const ExpertWeights& up,
                 const Weight& down) {
  const int F = gate.first.n_out, blocks = x_blocks(F);
  const bool quantised = quant::info(down.type).quantised();
  Input h;
  h.x = {quantised ? nullptr : arena_.take<float>(size_t(groups.slots) * size_t(F)), groups.slots, F};
  h.has_q = quantised;
  h.q = quantised ? arena_.take<XBlock>(size_t(groups.slots) * size_t(blocks)) : nullptr;
  want(x, gate.first);
  want(x, up.first);
  Watch watch(observer_, Step::Gate, gate.first.name);
  const int matrices = std::min(groups.count, gate.count);  // groups of a dense feed-forward share one
  watch.count(work_of(gate.first, matrices, groups.slots));
  watch.count(work_of(up.first, matrices, groups.slots));
  Scope temporary = scope();
  TokenRows rows = token_rows(x, groups.slot_token, groups.slots);
  if (quant::info(gate.first.type).quantised() || quant::info(up.first.type).quantised()) tile(rows, groups);
  ProductScratch* scratch = take_product_scratch(groups.most_tokens);
  if (is_measuring()) return h;

  const bool same_form = gate.first.type == up.first.type && gate.first.packed() == up.first.packed();
  // An item is 32 rows of gate and up, that is one block of the next matrix's input: it can be quantised on the spot.
  pool_->run(groups.count * blocks, [&](int item, int worker) {
    const int group = item / blocks, block = item % blocks, column0 = block * XBlock::kLen;
    const int first = groups.first_slot[group], n = groups.first_slot[group + 1] - first;
    const Weight g = gate[groups.matrix[group]], u = up[groups.matrix[group]];
    ProductScratch& s = scratch[worker];
    const int width = std::min(XBlock::kLen, F - column0);
    for (int c = 0; c < width; c += kPanelRows) {
      const int row0 = column0 + c;
      product(g, row0, rows, group, first, n, s, s.y[0], same_form ? u.panel(row0) : nullptr);
      product(u, row0, rows, group, first, n, s, s.y[1], same_form ? g.panel(row0 + kPanelRows) : nullptr);
      k_->silu_mul(s.y[0], s.y[1], n * kPanelRows, s.y[0]);
      for (int t = 0; t < n; ++t)
        std::memcpy(s.wide + XBlock::kLen * t + c, s.y[0] + kPanelRows * t, kPanelRows * sizeof(float));
    }
    for (int t = 0; t < n; ++t) {
      const size_t slot = size_t(first + t);
      if (quantised) {
        k_->quantise(s.wide + XBlock::kLen * t, width, h.q + slot * size_t(blocks) + size_t(block));
      } else {
        std::memcpy(h.x.row(int(slot)) + column0, s.wide + XBlock::kLen * t, size_t(width) * sizeof(float));
      }
    }
  });
  return h;
}

Mat Ops::experts(Input& x, const Routing& r, const ExpertWeights& gate, const ExpertWeights& up,
                 const ExpertWeights& down) {
  const int T = x.x.rows, D = down.first.n_out;
  Mat y = mat(T, D);
  want(x, gate.first);
  want(x, up.first);
  Scope temporary = scope();
  Groups groups{r.used, gate.count, T, T * r.kept, r.first_slot, r.used_expert, r.slot_token};
  Input h = gated(x, groups, gate, up, down.first);
  Watch watch(observer_, Step::Combine, down.first.name);
  watch.count(work_of(down.first, groups.count, groups.slots));
  TokenRows rows = token_rows(h, nullptr, groups.slots);
  if (quant::info(down.first.type).quantised()) tile(rows, groups);
  ProductScratch* scratch = take_product_scratch(T);
  if (is_measuring()) return y;

  // Each item owns some panels' columns of every token's sum and adds the experts in id order. With many tokens it is
  // several panels, so that an expert's activations come once for all of them.
  const int panels = down.first.panels(), most = T > k_->few_tokens ? 8 : 1;
  const int per_item = std::clamp(panels / (16 * workers()), 1, most);
  pool_->run((panels + per_item - 1) / per_item, [&](int item, int worker) {
    const int begin = item * per_item * kPanelRows, end = std::min(D, begin + per_item * kPanelRows);
    ProductScratch& s = scratch[worker];
    for (int t = 0; t < T; ++t) std::memset(y.row(t) + begin, 0, size_t(end - begin) * sizeof(float));
    for (int u = 0; u < r.used; ++u) {
      const int first = r.first_slot[u], tokens = r.first_slot[u + 1] - first;
      const Weight w = down[r.used_expert[u]];
      for (int row0 = begin; row0 < end; row0 += kPanelRows) {
        const bool last = row0 + kPanelRows >= end, last_expert = u + 1 == r.used;
        const std::byte* next = !last          ? w.panel(row0 + kPanelRows)
                                : !last_expert ? down[r.used_expert[u + 1]].panel(begin)
                                               : down[r.used_expert[0]].panel(end);
        product(w, row0, rows, u, first, tokens, s, s.y[0], next);
        const int n = std::min(kPanelRows, D - row0);
        for (int i = 0; i < tokens; ++i)
          k_->add_scaled(y.row(r.slot_token[first + i]) + row0, s.y[0] + kPanelRows * i, r.slot_weight[first + i], n);
      }
    }
  });
  return y;
}

Mat Ops::feed_forward(Input& x, const Weight& gate, const Weight& up, const Weight& down) {
  Input h = gated(x, token_blocks(x.x.rows), {gate, 1}, {up, 1}, down);
  return project(h, down);
}

}  // namespace apr::kernels
