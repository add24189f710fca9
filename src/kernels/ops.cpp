#include "kernels/ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "base/error.h"
#include "kernels/dispatch.h"
#include "kernels/ops_internal.h"
#include "kernels/pack.h"

namespace apr::kernels {

Ops::Ops(ThreadPool& pool, std::string_view isa) : k_(&choose_kernels(isa)), pool_(&pool) {}
Ops::Ops(int threads) : k_(&choose_kernels("scalar")), threads_(threads) { arena_.measure_only(); }
Ops Ops::measuring(int threads) { return Ops(threads); }

void Ops::reserve(size_t bytes) {
  try {
    arena_.reserve(bytes);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::Memory, "scratch memory: the system refused {} MiB; use a smaller chunk or free memory",
         bytes >> 20);
  }
}

Mat Ops::embed(const Weight& table, std::span<const int32_t> tokens) {
  Mat x = mat(int(tokens.size()), table.n_in);
  if (is_measuring()) return x;
  Watch watch(observer_, Step::Embed, table.name);
  watch.count({.weight_bytes = uint64_t(x.rows) * table.row_bytes});
  over_rows(x.rows, x.cols,
            [&](int t) { quant::decode(table.type, table.row(tokens[size_t(t)]), size_t(x.cols), x.row(t)); });
  return x;
}

Mat Ops::rms_norm(Mat x, const float* weight, float eps) {
  Mat y = mat(x.rows, x.cols);
  if (is_measuring()) return y;
  Watch watch(observer_, Step::Norm);
  over_rows(x.rows, x.cols, [&](int t) { k_->rms_norm(x.row(t), weight, x.cols, eps, y.row(t)); });
  return y;
}

void Ops::rms_norm_heads(Mat x, int d, const float* weight, float eps) {
  if (is_measuring()) return;
  Watch watch(observer_, Step::HeadNorms);
  over_rows(x.rows, x.cols, [&](int t) {
    for (int c = 0; c < x.cols; c += d) k_->rms_norm(x.row(t) + c, weight, d, eps, x.row(t) + c);
  });
}

void Ops::add(Mat x, Mat y) {
  if (is_measuring()) return;
  Watch watch(observer_, Step::Add);
  over_rows(x.rows, x.cols, [&](int t) { k_->add(x.row(t), y.row(t), x.cols); });
}

void Ops::add_bias(Mat x, const float* bias) {
  if (is_measuring()) return;
  Watch watch(observer_, Step::Bias);
  over_rows(x.rows, x.cols, [&](int t) { k_->add(x.row(t), bias, x.cols); });
}

Mat Ops::last_rows(Mat x, std::span<const Sequence> sequences) {
  Mat last = mat(int(sequences.size()), x.cols);
  if (is_measuring()) return last;
  Watch watch(observer_, Step::LastRows);
  for (int s = 0, end = 0; s < last.rows; ++s) {
    end += sequences[size_t(s)].tokens;
    std::memcpy(last.row(s), x.row(end - 1), size_t(x.cols) * sizeof(float));
  }
  return last;
}

Mat Ops::rope_angles(int first, int T, std::span<const double> frequencies) {
  const Sequence one{{.length = first}, T};
  return rope_angles({&one, 1}, T, frequencies);
}

Mat Ops::rope_angles(std::span<const Sequence> sequences, int T, std::span<const double> frequencies) {
  const int pairs = int(frequencies.size());
  Mat angles = mat(T, 2 * pairs);
  if (is_measuring()) return angles;
  Watch watch(observer_, Step::Angles);
  over_rows(T, 64 * pairs, [&](int t) {  // a sine costs like dozens of multiplications
    const int position = place_of(sequences, t).position();
    for (int i = 0; i < pairs; ++i) {
      const double angle = double(position) * frequencies[size_t(i)];
      angles.row(t)[i] = float(std::cos(angle));
      angles.row(t)[pairs + i] = float(std::sin(angle));
    }
  });
  return angles;
}

void Ops::rope(Mat x, int d, Mat angles, RopePairs pairs) {
  if (is_measuring()) return;
  Watch watch(observer_, Step::Rope);
  const int half = angles.cols / 2;
  const int step = pairs == RopePairs::Halves ? 1 : 2, partner = pairs == RopePairs::Halves ? half : 1;
  over_rows(x.rows, x.cols, [&](int t) {
    const float* cosine = angles.row(t);
    const float* sine = cosine + half;
    for (float* head = x.row(t); head < x.row(t) + x.cols; head += d) {
      for (int i = 0; i < half; ++i) {
        float& a = head[i * step];
        float& b = head[i * step + partner];
        const float a0 = a, b0 = b;
        a = a0 * cosine[i] - b0 * sine[i];
        b = b0 * cosine[i] + a0 * sine[i];
      }
    }
  });
}

Weight Ops::pack(const Weight& stored, std::byte* to) {
  const Weight packed = packed_view(stored, to);
  pool_->run(packed.panels(), [&](int panel, int) {
    k_->pack[size_t(stored.type)](stored, panel * kPanelRows, to + uint64_t(panel) * packed.panel_bytes);
  });
  return packed;
}

void Ops::want(Input& x, const Weight& w) {
  if (!quant::info(w.type).quantised() || x.has_q) return;
  const int blocks = x_blocks(x.x.cols);
  x.has_q = true;
  x.q = arena_.take<XBlock>(size_t(x.x.rows) * size_t(blocks));
  if (is_measuring()) return;
  Watch watch(observer_, Step::Round);
  over_rows(x.x.rows, x.x.cols, [&](int t) { k_->quantise(x.x.row(t), x.x.cols, x.q + size_t(t) * size_t(blocks)); });
}

Ops::ProductScratch* Ops::take_product_scratch(int tokens) {
  ProductScratch* all = arena_.take<ProductScratch>(size_t(workers()));
  for (int i = 0; i < workers(); ++i) {
    const size_t panel_floats = size_t(x_tiles(tokens)) * XTile::kTokens * kPanelRows;
    ProductScratch s;
    s.panel = arena_.take<PanelUnit>(1);
    s.mins = arena_.take<float>(panel_floats);
    for (float*& y : s.y) y = arena_.take<float>(panel_floats);
    s.wide = arena_.take<float>(2 * panel_floats);
    if (!is_measuring()) all[i] = s;
  }
  return all;
}

Ops::TokenRows Ops::token_rows(const Input& x, const int* tokens, int n) {
  TokenRows rows{arena_.take<const float*>(size_t(n)), arena_.take<const XBlock*>(size_t(n)), x_blocks(x.x.cols)};
  if (is_measuring()) return rows;
  for (int i = 0; i < n; ++i) {
    const int t = tokens ? tokens[i] : i;
    rows.f[i] = x.x.data ? x.x.row(t) : nullptr;
    rows.q[i] = x.q ? x.q_row(t) : nullptr;
  }
  return rows;
}

namespace {

/// One block of up to 16 tokens.
void fill_tile(const XBlock* const* rows, int tokens, int block, XTile& tile) {
  if (tokens < XTile::kTokens) tile = XTile{};
  for (int t = 0; t < tokens; ++t) {
    const XBlock& x = rows[t][block];
    std::memcpy(tile.code[t], x.code, sizeof x.code);
    tile.scale[t] = x.scale;
    tile.sum[t] = x.sum;
    tile.bias[t] = x.bias;
    for (int h = 0; h < 2; ++h) {
      tile.half_sum[h][t] = x.half_sum[h];
      tile.half_bias[h][t] = x.half_bias[h];
    }
  }
}

}  // namespace

Ops::Groups Ops::token_blocks(int T) {
  constexpr int most = 192;  // tokens: 0.7 MB of tiles of 2,048 columns
  const int64_t tiles = x_tiles(T);
  const int count = std::max(1, int((tiles * XTile::kTokens + most - 1) / most));
  int* first = arena_.take<int>(size_t(count) + 1);
  int* matrix = arena_.take<int>(size_t(count));
  int* token = arena_.take<int>(size_t(T));
  if (!is_measuring()) {
    for (int i = 0; i <= count; ++i) first[i] = std::min(T, int(tiles * i / count) * XTile::kTokens);
    std::fill(matrix, matrix + count, 0);
    for (int t = 0; t < T; ++t) token[t] = t;
  }
  return {count, count, std::min(T, most), T, first, matrix, token};
}

void Ops::tile(TokenRows& rows, const Groups& groups) {
  if (groups.most_tokens == 1) return;
  struct Span {
    int slot, tokens;
  };
  const size_t most = size_t(x_tiles(groups.slots)) + size_t(std::min(groups.most_count, groups.slots));
  XTile* tiles = arena_.take<XTile>(most * size_t(rows.blocks));
  int* first_tile = arena_.take<int>(size_t(groups.most_count));
  Span* spans = arena_.take<Span>(most);
  if (is_measuring()) return;
  int count = 0;
  for (int g = 0; g < groups.count; ++g) {
    first_tile[g] = count;
    const int end = groups.first_slot[g + 1];
    if (end - groups.first_slot[g] <= k_->few_tokens) continue;
    for (int slot = groups.first_slot[g]; slot < end; slot += XTile::kTokens)
      spans[count++] = {slot, std::min(XTile::kTokens, end - slot)};
  }
  if (count == 0) return;
  pool_->run(count, [&](int i, int) {
    XTile* to = tiles + size_t(i) * size_t(rows.blocks);
    for (int b = 0; b < rows.blocks; ++b) fill_tile(rows.q + spans[i].slot, spans[i].tokens, b, to[b]);
  });
  rows.tiles = tiles;
  rows.first_tile = first_tile;
}

void Ops::product(const Weight& w, int row0, const TokenRows& x, int group, int first, int tokens, ProductScratch& s,
                  float* y, const std::byte* next) {
  const int rows = std::min(kPanelRows, w.n_out - row0);
  const XTile* tiles = x.tiles ? x.tiles + size_t(x.first_tile[group]) * size_t(x.blocks) : nullptr;
  ProductJob job{&w, row0, rows, x.f + first, x.q + first, tiles, tokens, y, s.panel, s.mins, next};
  k_->product[size_t(w.type)](job);
}

Mat Ops::project(Input& x, const Weight& w) {
  Mat y;
  project(x, {{w, y}});
  return y;
}

void Ops::project(Input& x, std::initializer_list<Projection> all) {
  const int T = x.x.rows;
  bool quantised = false;
  for (const Projection& p : all) {
    want(x, p.w);
    p.y = mat(T, p.w.n_out);
    quantised |= quant::info(p.w.type).quantised();
  }
  Watch watch(observer_, Step::Project, all.begin()->w.name);
  for (const Projection& p : all) watch.count(work_of(p.w, 1, T));
  Scope temporary = scope();
  TokenRows rows = token_rows(x, nullptr, T);
  const Groups blocks = token_blocks(T);
  if (quantised) tile(rows, blocks);
  ProductScratch* scratch = take_product_scratch(blocks.most_tokens);
  if (is_measuring()) return;

  int total = 0;
  for (const Projection& p : all) total += p.w.panels();
  // About 32 KiB of weights an item, a few microseconds of one token, so that nobody waits long for the last one; and
  // several items for each worker.
  const uint64_t panel_bytes = std::max<uint64_t>(1, all.begin()->w.row_bytes * kPanelRows);
  const int per_item = std::clamp(std::min(int((uint64_t(32) << 10) / panel_bytes), total / (8 * workers())), 1, 8);
  auto one_panel = [&](int block, int panel, int worker) {
    const int first = blocks.first_slot[block], tokens = blocks.first_slot[block + 1] - first;
    const Projection* p = all.begin();
    while (panel >= p->w.panels()) panel -= (p++)->w.panels();
    const int row0 = panel * kPanelRows, n = std::min(kPanelRows, p->w.n_out - row0);
    ProductScratch& s = scratch[worker];
    product(p->w, row0, rows, block, first, tokens, s, s.y[0], p->w.panel(row0 + kPanelRows));
    for (int t = 0; t < tokens; ++t) copy_lanes(p->y.row(first + t) + row0, s.y[0] + kPanelRows * t, n);
  };
  const int items = (total + per_item - 1) / per_item;
  pool_->run(blocks.count * items, [&](int i, int worker) {
    const int block = i / items, item = i % items;
    for (int panel = item * per_item; panel < std::min(total, (item + 1) * per_item); ++panel)
      one_panel(block, panel, worker);
  });
}

}  // namespace apr::kernels
