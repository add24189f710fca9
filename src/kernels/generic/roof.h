#pragma once
#include <algorithm>
#include <cstring>

#include "base/inline.h"
#include "kernels/generic/matrix_unit.h"
#include "kernels/table.h"

// What the machine can do at best with the words of an instruction set: nothing but reading, nothing but multiply-adds.
namespace apr::kernels::generic {

/// Reads whole lines of 64 bytes as `streams` stretches side by side, asking `ahead` bytes further on; 0: not asking.
template <class Isa, int Streams>
APR_INLINE uint32_t read_streams(const std::byte* p, size_t bytes, size_t ahead) {
  using Line = typename Isa::Words;
  constexpr int unroll = 4;
  const size_t stretch = bytes / Streams;
  typename Isa::I sum[Streams];
  for (auto& s : sum) s = Isa::set_int(0);
  for (size_t at = 0; at + unroll * sizeof(Line) <= stretch; at += unroll * sizeof(Line)) {
    for (int s = 0; s < Streams; ++s) {
      const std::byte* lines = p + size_t(s) * stretch + at;
      for (int i = 0; i < unroll; ++i) {
        if (ahead) __builtin_prefetch(lines + size_t(i) * sizeof(Line) + ahead);
        sum[s] = Isa::add_int(sum[s], Isa::ints(*reinterpret_cast<const Line*>(lines + size_t(i) * sizeof(Line))));
      }
    }
  }
  for (int s = 1; s < Streams; ++s) sum[0] = Isa::add_int(sum[0], sum[s]);
  int8_t bytes16[16];
  Isa::store_bytes(bytes16, sum[0]);
  uint32_t all = 0;
  for (const int8_t b : bytes16) all += uint32_t(b);
  return all;
}

template <class Isa>
uint32_t read(const std::byte* p, size_t bytes, int streams, size_t ahead) {
  switch (streams) {
    case 1:
      return read_streams<Isa, 1>(p, bytes, ahead);
    case 2:
      return read_streams<Isa, 2>(p, bytes, ahead);
    default:
      return read_streams<Isa, 4>(p, bytes, ahead);
  }
}

/// A matrix of 16 rows times NT tokens again and again, all in the first-level cache.
template <class Isa, int NT>
APR_INLINE uint64_t int8_tile(const RoofTile& tile, int rounds, float* y) {
  constexpr int tokens = std::min(NT, RoofTile::kTokens);
  for (int round = 0; round < rounds; ++round) {
    typename Isa::I sum[tokens];
    for (auto& s : sum) s = Isa::set_int(round);
    for (int k = 0; k < RoofTile::kColumns / 4; ++k) {
      const auto w = Isa::load_codes(tile.code + 64 * k);
      for (int t = 0; t < tokens; ++t) {
        int32_t four;
        std::memcpy(&four, tile.x[t] + 4 * k, 4);
        sum[t] = Isa::dot_unsigned(sum[t], w, Isa::repeat(four));
      }
    }
    for (int t = 0; t < tokens; ++t) Isa::store(y, Isa::add(Isa::load(y), Isa::to_float(sum[t])));
  }
  return uint64_t(rounds) * tokens * 16 * RoofTile::kColumns;
}

template <class Isa, int NT>
APR_INLINE uint64_t float_tile(const RoofTile& tile, int rounds, float* y) {
  constexpr int tokens = std::min(NT, RoofTile::kTokens);
  for (int round = 0; round < rounds; ++round) {
    typename Isa::F sum[tokens];
    for (auto& s : sum) s = Isa::set(float(round));
    for (int k = 0; k < RoofTile::kColumns; ++k) {
      const auto w = Isa::load(tile.w + 16 * k);
      for (int t = 0; t < tokens; ++t) sum[t] = Isa::fma(w, Isa::set(tile.f[t][k]), sum[t]);
    }
    for (int t = 0; t < tokens; ++t) Isa::store(y, Isa::add(Isa::load(y), sum[t]));
  }
  return uint64_t(rounds) * tokens * 16 * RoofTile::kColumns;
}

/// The same on a matrix unit: 16 tokens and 64 columns an instruction, each operand used twice.
template <class Isa>
uint64_t int8_unit(const RoofTile& tile, int rounds, float* y) {
  constexpr int columns = 64, sums = Isa::MatrixUnit::sums;
  const typename Isa::MatrixUnit unit(columns);
  for (int round = 0; round < rounds; ++round) {
    Isa::MatrixUnit::multiply_square(tile.code, tile.x[0]);
  }
  alignas(64) int32_t sum[16][16];
  Isa::MatrixUnit::template store<0>(sum[0]);
  for (int i = 0; i < 16; ++i) y[i] += float(sum[i][0]);
  return uint64_t(rounds) * sums * 16 * 16 * columns;
}

/// Tokens with half as many sums again in flight as products keep, and with enough to hide an instruction's latency.
template <class Isa>
inline constexpr int kWide = std::max(6, Isa::token_tile * 3 / 2);

/// Multiply-adds done. wide: with kWide tokens.
template <class Isa>
uint64_t multiply_int8(const RoofTile& tile, int rounds, bool wide, float* y) {
  if constexpr (has_matrix_unit<Isa>) {
    return int8_unit<Isa>(tile, rounds, y);
  } else {
    return wide ? int8_tile<Isa, kWide<Isa>>(tile, rounds, y) : int8_tile<Isa, Isa::token_tile>(tile, rounds, y);
  }
}
template <class Isa>
uint64_t multiply_float(const RoofTile& tile, int rounds, bool wide, float* y) {
  return wide ? float_tile<Isa, kWide<Isa>>(tile, rounds, y) : float_tile<Isa, Isa::token_tile>(tile, rounds, y);
}

}  // namespace apr::kernels::generic
