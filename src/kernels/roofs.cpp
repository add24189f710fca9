#include "kernels/roofs.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

namespace apr::kernels {
namespace {

constexpr size_t kBlock = size_t(1) << 20;  ///< bytes of an item: long enough for prefetchers, short enough to share

template <class Body>
double seconds_of(Body body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Pattern {
  int streams;
  size_t ahead;
};
constexpr Pattern kPatterns[] = {{1, 0}, {1, 1024}, {1, 4096}, {2, 1024}, {4, 0}, {4, 1024}};

struct alignas(64) Sink {
  float y[16] = {};
  uint64_t done = 0;
};

using Multiply = uint64_t (*)(const RoofTile&, int rounds, bool wide, float* y);

double multiply_roof(ThreadPool& pool, Multiply multiply) {
  constexpr int rounds = 1000, items = 16, repeats = 3;
  const auto tile = std::make_unique<RoofTile>();
  for (size_t i = 0; i < std::size(tile->code); ++i)
    tile->code[i] = uint8_t(i % 128), tile->w[i] = 1e-3f * float(i % 7);
  for (auto& x : tile->x) std::fill(std::begin(x), std::end(x), int8_t(3));
  for (auto& f : tile->f) std::fill(std::begin(f), std::end(f), 0.5f);
  std::vector<Sink> sinks(static_cast<size_t>(pool.size()));
  double best = 0;
  for (const bool wide : {false, true}) {
    for (int r = 0; r < repeats; ++r) {
      for (Sink& s : sinks) s.done = 0;
      const double seconds = seconds_of([&] {
        pool.run(items * pool.size(), [&](int, int worker) {
          Sink& s = sinks[size_t(worker)];
          s.done += multiply(*tile, rounds, wide, s.y);
        });
      });
      uint64_t done = 0;
      for (const Sink& s : sinks) done += s.done;
      best = std::max(best, double(done) / seconds);
    }
  }
  return best;
}

}  // namespace

double read_roof(ThreadPool& pool, const Kernels& k, std::span<const std::byte> memory) {
  constexpr int repeats = 3;
  constexpr size_t most_at_once = size_t(256) << 20;
  const size_t window = std::min(memory.size(), most_at_once) / kBlock * kBlock;
  std::atomic<uint32_t> kept{0};  // so that nothing is read for nothing
  double best = 0;
  size_t at = 0;  // windows go round and round the memory, so that none is met again while caches hold it
  for (int r = 0; r < repeats; ++r) {
    for (const Pattern& p : kPatterns) {
      if (at + window > memory.size()) at = 0;
      const std::byte* first = memory.data() + at;
      at += window;
      const double seconds = seconds_of([&] {
        pool.run(int(window / kBlock), [&](int block, int) {
          kept.fetch_add(k.read(first + size_t(block) * kBlock, kBlock, p.streams, p.ahead), std::memory_order_relaxed);
        });
      });
      best = std::max(best, double(window) / seconds);
    }
  }
  return best;
}

double int8_roof(ThreadPool& pool, const Kernels& k) { return multiply_roof(pool, k.multiply_int8); }
double float_roof(ThreadPool& pool, const Kernels& k) { return multiply_roof(pool, k.multiply_float); }

void first_touch(ThreadPool& pool, std::span<std::byte> memory) {
  pool.run(int(memory.size() / kBlock),
           [&](int block, int) { std::fill_n(memory.data() + size_t(block) * kBlock, kBlock, std::byte{1}); });
}

}  // namespace apr::kernels
