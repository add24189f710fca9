#pragma once
#include <cstring>

#include "base/inline.h"
#include "kernels/generic/attend_values.h"

// Attention over Q8_0 and Q16 caches in exact integer products, so that no order of additions matters: queries are
// rounded to codes as keys are, and a block's weights to codes for the values. No sum of codes passes 31 bits
// (kv_view.h).
namespace apr::kernels::generic {

APR_INLINE int32_t word_at(const void* p) {
  int32_t w;
  std::memcpy(&w, p, 4);
  return w;
}

/// Keys: the query is rounded to int8 per 32, so that sums of 32 are exact integers; then
/// score = fma(float(sum), k.scale * (scale * q.scale), score), group after group.
template <class Isa>
struct ByteKeys {
  static constexpr int sums_of_a_score = 1;

  /// out: [d / 4][R] words of four codes, [d / 32][R] scales, [d / 32][R] biases.
  template <int R>
  APR_INLINE static void pack(const float* const* q, int d, float scale, float* out) {
    const int groups = d / kKvGroup, words = d / 4;
    for (int r = 0; r < R; ++r) {
      for (int g = 0; g < groups; ++g) {
        XBlock block{};
        if (q[r]) quantise<Isa>(q[r] + g * kKvGroup, kKvGroup, &block);
        for (int i = 0; i < kKvGroup / 4; ++i)
          std::memcpy(out + (g * (kKvGroup / 4) + i) * R + r, block.code + 4 * i, 4);
        out[(words + g) * R + r] = block.scale * scale;
        std::memcpy(out + (words + groups + g) * R + r, &block.bias, 4);
      }
    }
  }

  template <int R, int C>
  APR_OWN_REGISTERS static void score(const float* q, Tiles keys, int d, float* score) {
    constexpr int steps = kKvGroup / 4;
    const int groups = d / kKvGroup, words = d / 4;
    const size_t codes = size_t(kKvTile) * size_t(d);  // bytes of a tile
    for (int g = 0; g < groups; ++g) {
      typename Isa::I whole[R][C];
      for (int r = 0; r < R; ++r) {
        for (int c = 0; c < C; ++c) whole[r][c] = Isa::start_signed(word_at(q + (words + groups + g) * R + r));
      }
#pragma GCC unroll 8
      for (int i = g * steps; i < (g + 1) * steps; ++i) {
        typename Isa::SignedCodes key[C];
        for (int c = 0; c < C; ++c) {
          const std::byte* at = keys.first + size_t(c) * keys.tile_bytes + size_t(i) * 4 * kKvTile;
          key[c] = Isa::signed_codes(Isa::load_codes(reinterpret_cast<const uint8_t*>(at)));
        }
        ask<C>(keys.soon, i);
        for (int r = 0; r < R; ++r) {
          const auto x = Isa::repeat(word_at(q + i * R + r));
          for (int c = 0; c < C; ++c) whole[r][c] = Isa::dot_signed(whole[r][c], key[c], x);
        }
      }
      for (int c = 0; c < C; ++c) {
        const auto k_scale = Isa::load_bfloat(keys.first + size_t(c) * keys.tile_bytes + codes + g * 2 * kKvTile);
        for (int r = 0; r < R; ++r) {
          float* to = score + r * kKeyBlock + c * kLanes;
          const auto both = Isa::mul(k_scale, Isa::set(q[(words + g) * R + r]));
          const auto before = g == 0 ? Isa::set(0) : Isa::load(to);
          Isa::store(to, Isa::fma(Isa::to_float(whole[r][c]), both, before));
        }
      }
    }
    ask_rest(keys.soon, C * codes, C * keys.tile_bytes);
  }
};

/// Q16 keys: a query row is rounded to int16; then score = fma(float(sum), k.scale, score), group after group, times
/// the row's scale at last.
template <class Isa>
struct WordKeys {
  static constexpr int sums_of_a_score = 1;

  /// out: [d / 2][R] words of two codes, then [R] scales.
  template <int R>
  APR_INLINE static void pack(const float* const* q, int d, float scale, float* out) {
    for (int r = 0; r < R; ++r) {
      const Step step = q[r] ? step_of<Isa>(q[r], d, kKeyCodes) : Step{0, 0};
      for (int i = 0; i < d; i += kLanes) {
        alignas(64) int16_t code[kLanes] = {};
        if (q[r])
          Isa::store_words(code, codes_of<Isa>(Isa::mul(Isa::load(q[r] + i), Isa::set(step.inverse)), kKeyCodes));
        for (int k = 0; k < kLanes / 2; ++k) std::memcpy(out + (i / 2 + k) * R + r, code + 2 * k, 4);
      }
      out[d / 2 * R + r] = step.size * scale;
    }
  }

  template <int R, int C>
  APR_OWN_REGISTERS static void score(const float* q, Tiles keys, int d, float* score) {
    const std::byte* k = keys.first;
    const std::byte* scales = k + size_t(kKvTile) * 2 * size_t(d);
    const float* x = q;
    for (int g = 0; g < d / kKvGroup; ++g, scales += 2 * kKvTile) {
      typename Isa::I whole[R][C];
      for (int r = 0; r < R; ++r) {
        for (int c = 0; c < C; ++c) whole[r][c] = Isa::set_int(0);
      }
      for (int i = 0; i < kKvGroup / 2; ++i, x += R, k += 4 * kKvTile) {
        typename Isa::I key[C];
        for (int c = 0; c < C; ++c) {
          const std::byte* at = k + size_t(c) * keys.tile_bytes;
          key[c] = Isa::load_words(at);
        }
        ask<C>(keys.soon, g * (kKvGroup / 2) + i);
        for (int r = 0; r < R; ++r) {
          const auto pair = Isa::set_int(word_at(x + r));
          for (int c = 0; c < C; ++c) whole[r][c] = Isa::dot_pairs(whole[r][c], key[c], pair);
        }
      }
      for (int c = 0; c < C; ++c) {
        const auto k_scale = Isa::load_bfloat(scales + size_t(c) * keys.tile_bytes);
        for (int r = 0; r < R; ++r) {
          float* to = score + r * kKeyBlock + c * kLanes;
          const auto before = g == 0 ? Isa::set(0) : Isa::load(to);
          Isa::store(to, Isa::fma(Isa::to_float(whole[r][c]), k_scale, before));
        }
      }
    }
    ask_rest(keys.soon, C * size_t(kKvTile) * 2 * size_t(d), C * keys.tile_bytes);
    for (int r = 0; r < R; ++r) {
      const auto q_scale = Isa::set(q[d / 2 * R + r]);
      for (int c = 0; c < C; ++c) {
        float* to = score + r * kKeyBlock + c * kLanes;
        Isa::store(to, Isa::mul(Isa::load(to), q_scale));
      }
    }
  }
};

/// How values are read: sixteen columns of two keys at once.
template <class Isa>
struct ByteValues {
  static constexpr int bytes = 1, vectors = kKvGroup / kLanes;  ///< vectors that share their keys' scales
  static constexpr float weight_codes = 32767;
  APR_INLINE static int scales(int d) { return d / kKvGroup; }
  APR_INLINE static typename Isa::I load(const std::byte* p) { return Isa::load_pairs(p); }
};
template <class Isa>
struct WordValues {
  static constexpr int bytes = 2, vectors = 1 << 20;
  static constexpr float weight_codes = 8191;
  APR_INLINE static int scales(int) { return 1; }
  APR_INLINE static typename Isa::I load(const std::byte* p) { return Isa::load_words(p); }
};

/// Each row's weights (relative to the block's largest) times the scales of the values, as codes up to `limit`,
/// relative to the row's largest such product: a key of large values and no weight takes nothing from the others. code
/// [R][64]; step [R]: weight * scale ~ step * code. A NaN among the scales of the first n makes the steps NaN.
template <class Isa, int R>
APR_OWN_REGISTERS void code_weights(const float* weight, const std::byte* scales, size_t tile_bytes, int n, float limit,
                                    int16_t* code, float* step) {
  using F = typename Isa::F;
  constexpr int tiles = kKeyBlock / kKvTile;
  F scale[tiles], zero = Isa::set(0);
  for (int t = 0; t * kKvTile < n; ++t) {
    scale[t] = Isa::load_bfloat(scales + size_t(t) * tile_bytes);
    if (n - t * kKvTile < kKvTile) scale[t] = Isa::keep(scale[t], n - t * kKvTile, Isa::set(0));
    zero = Isa::fma(scale[t], Isa::set(0), zero);  // or NaN
  }
  const float broken = Isa::sum(zero);
  for (int r = 0; r < R; ++r) {
    F product[tiles], top = Isa::set(0);
    for (int t = 0; t * kKvTile < n; ++t) {
      product[t] = Isa::mul(Isa::load(weight + r * kKeyBlock + t * kKvTile), scale[t]);
      top = Isa::max(product[t], top);
    }
    const float most = Isa::largest(top);
    const F inverse = Isa::set(most > 1e-33f ? limit / most : 0.0f);
    for (int t = 0; t * kKvTile < n; ++t) {
      const F exact = Isa::mul(product[t], inverse);
      Isa::store_words(code + r * kKeyBlock + t * kKvTile, Isa::bits(Isa::add(exact, Isa::set(kRoundMagic))));
    }
    step[r] = most * (1 / limit) + broken;
  }
}

/// C vectors of o: o = fma(exact sum of code * value, step, o * factor). code [sets][R][64], a set for each of the
/// values' scales; a pair of keys is a word of two codes, and the code of a key past the last is zero. step [sets][R]
template <class Isa, class Values, int R, int C>
APR_OWN_REGISTERS void add_int_columns(const int16_t* code, const float* step, const float* factor, Tiles values,
                                       size_t pair_bytes, int n, float* o, size_t stride) {
  constexpr int vectors = Values::vectors;
  typename Isa::I sum[R][C], value[C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sum[r][c] = Isa::set_int(0);
  }
  for (int first = 0; first < n; first += kKvTile, values.first += values.tile_bytes) {
    const std::byte* row = values.first;
    const int here = std::min(kKvTile, n - first);
    for (int j = first; j < first + here; j += 2, row += pair_bytes) {
      for (int c = 0; c < C; ++c) value[c] = Values::load(row + c * 2 * kLanes * Values::bytes);
      ask<(C * 2 * kLanes * Values::bytes + 63) / 64>(values.soon, j / 2);
      for (int r = 0; r < R; ++r) {
        auto w = Isa::set_int(word_at(code + r * kKeyBlock + j));
        for (int c = 0; c < C; ++c) {
          if (c == vectors) w = Isa::set_int(word_at(code + (R + r) * kKeyBlock + j));
          sum[r][c] = Isa::dot_pairs(sum[r][c], w, value[c]);
        }
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) {
      float* to = o + size_t(r) * stride + c * kLanes;
      const auto kept = Isa::mul(Isa::load(to), Isa::set(factor[r]));
      Isa::store(to, Isa::fma(Isa::to_float(sum[r][c]), Isa::set(step[c / vectors * R + r]), kept));
    }
  }
}

template <class Isa, class KeysOf, class Values>
struct IntBlocks {
  using Keys = KeysOf;

  /// As FloatBlocks::add. scratch: attend_codes_floats(R, d)
  template <int R>
  APR_INLINE static void add(const KvBlock& b, int d, const int* n, float* score, float* scratch, RowState rows,
                             size_t stride) {
    Factors factors;
    weigh_block<Isa, R, true>(score, n, rows, stride, factors);
    const int sets = Values::scales(d);
    float* steps = scratch;
    int16_t* codes = reinterpret_cast<int16_t*>(scratch + sets * R);
    const std::byte* scales = b.values.first + size_t(kKvTile) * Values::bytes * size_t(d);
    for (int s = 0; s < sets; ++s) {
      code_weights<Isa, R>(score, scales + s * 2 * kKvTile, b.values.tile_bytes, n[0], Values::weight_codes,
                           codes + s * R * kKeyBlock, steps + s * R);
      for (int r = 0; r < R; ++r) steps[s * R + r] *= factors.block[r];
    }
    each_columns<Isa, R>(d, [&]<int C>(int i) {
      const int s = i / kLanes / Values::vectors;
      const size_t column = size_t(i) * 2 * Values::bytes;  // its share of what is read soon is in proportion
      const Tiles from{b.values.first + column, b.values.tile_bytes, b.values.soon + column * (kKeyBlock / 2)};
      add_int_columns<Isa, Values, R, C>(codes + s * R * kKeyBlock, steps + s * R, factors.old, from,
                                         size_t(d) * 2 * Values::bytes, n[0], rows.o + i, stride);
    });
    ask_rest(b.values.soon, size_t(d) * Values::bytes * kKeyBlock, kKeyBlock / kKvTile * b.values.tile_bytes);
  }
};

template <class Isa>
using ByteBlocks = IntBlocks<Isa, ByteKeys<Isa>, ByteValues<Isa>>;
template <class Isa>
using WordBlocks = IntBlocks<Isa, WordKeys<Isa>, WordValues<Isa>>;

}  // namespace apr::kernels::generic
