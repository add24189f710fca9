// How fast is each verb on each instruction set this CPU has? One thread unless said otherwise, so that two numbers can
// be compared; matrices and caches are larger than any cache of a core, as they are in a forward pass.
//
//   kernels_bench --benchmark_filter='product/Q4_K/avx512'
//
// Counters: weights_GB or kv_GB, bytes read per second; GMAC, 10^9 multiplications with an addition per second.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/large_memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"
#include "kernels/ops.h"
#include "kernels/pack.h"
#include "quant/types.h"

namespace {

using namespace apr;
using benchmark::Counter;
using benchmark::State;

// An expert of Qwen3-30B-A3B: gate and up are [768, 2048]; 32 query heads and 4 kv heads of 128.
constexpr int kOut = 768, kIn = 2048, kHeads = 32, kKvHeads = 4, kDim = 128;
constexpr size_t kWeightBytes = size_t(64) << 20;  // walked through, expert after expert
constexpr size_t kCacheBytes = size_t(1) << 30;    // of keys and values that decode walks through, layer after layer

std::vector<float> random_floats(size_t n) {
  std::mt19937 engine(1);
  std::vector<float> out(n);
  for (float& f : out) f = float(int32_t(engine())) * 0x1p-31f;
  return out;
}

/// Bytes whose halves and floats are all finite and normal, whatever the type.
std::vector<std::byte> random_weights(size_t bytes) {
  std::mt19937 engine(2);
  std::vector<std::byte> out(bytes);
  for (std::byte& b : out) b = std::byte((engine() & 0x3b) | 0x30);
  return out;
}

/// A team and room for one verb.
struct Bench {
  explicit Bench(std::string_view isa, int threads = 1) : pool(threads), ops(pool, isa) {
    ops.reserve(size_t(64) << 20);
  }
  ThreadPool pool;
  kernels::Ops ops;
};

void set_rate(State& state, const char* name, double per_iteration) {
  state.counters[name] = Counter(per_iteration * double(state.iterations()) / 1e9, Counter::kIsRate);
}

void product(State& state, const quant::TypeInfo& type, std::string_view isa, bool packed) {
  const int T = int(state.range(0));
  const uint64_t row_bytes = type.row_bytes(kIn);
  const size_t matrix_bytes = size_t(kOut * row_bytes), matrices = std::max<size_t>(1, kWeightBytes / matrix_bytes);
  const std::vector<std::byte> bytes = random_weights(matrices * matrix_bytes);
  std::vector<float> x = random_floats(size_t(T) * kIn);
  Bench bench(isa);
  kernels::Input in = bench.ops.input({x.data(), T, kIn});
  std::vector<kernels::Weight> weights;
  const kernels::Weight one{type.type, kOut, kIn, bytes.data(), row_bytes};
  const LargeMemory memory(packed ? matrices * kernels::packed_view(one, nullptr).bytes() : 0);
  for (size_t i = 0; i < matrices; ++i) {
    const kernels::Weight stored{type.type, kOut, kIn, bytes.data() + i * matrix_bytes, row_bytes};
    weights.push_back(packed ? bench.ops.pack(stored, memory.data() + i * kernels::packed_view(stored, nullptr).bytes())
                             : stored);
  }
  size_t at = 0;
  for (auto _ : state) {
    const kernels::Weight& w = weights[at];
    bench.ops.begin();
    in.q = nullptr;  // quantising is part of the price
    benchmark::DoNotOptimize(bench.ops.project(in, w).data);
    at = (at + 1) % matrices;
  }
  set_rate(state, "weights_GB", double(matrix_bytes));
  set_rate(state, "GMAC", double(T) * kOut * kIn);
}

void quantise(State& state, const kernels::Kernels& k) {
  const std::vector<float> x = random_floats(kIn);
  std::vector<kernels::XBlock> out(size_t(kernels::x_blocks(kIn)));
  for (auto _ : state) {
    k.quantise(x.data(), kIn, out.data());
    benchmark::ClobberMemory();
  }
  set_rate(state, "x_GB", kIn * sizeof(float));
}

void rms_norm(State& state, const kernels::Kernels& k) {
  const std::vector<float> x = random_floats(kIn), weight = random_floats(kIn);
  std::vector<float> y(kIn);
  for (auto _ : state) {
    k.rms_norm(x.data(), weight.data(), kIn, 1e-6f, y.data());
    benchmark::ClobberMemory();
  }
  set_rate(state, "x_GB", kIn * sizeof(float));
}

/// T new tokens after P cached ones, layer after layer: a decoded token's caches come from memory, a prompt's need not.
void attend(State& state, std::string_view isa, kernels::KvType type) {
  const int T = int(state.range(0)), P = int(state.range(1)), threads = int(state.range(2)), capacity = P + T;
  kernels::KvView kv{nullptr, nullptr, kKvHeads, kDim, capacity, P, type};
  const size_t layer_bytes = 2 * kv.bytes(),
               layers = T > 8 ? 1 : std::max<size_t>(1, std::min<size_t>(1024, kCacheBytes / layer_bytes));
  const std::vector<std::byte> pattern = random_weights(size_t(1) << 20);
  const LargeMemory memory(layers * layer_bytes);
  for (size_t at = 0; at < layers * layer_bytes; at += pattern.size())
    std::memcpy(memory.data() + at, pattern.data(), std::min(pattern.size(), layers * layer_bytes - at));
  std::vector<float> q = random_floats(size_t(T) * kHeads * kDim);
  Bench bench(isa, threads);
  size_t layer = 0;
  for (auto _ : state) {
    kv.k = memory.data() + layer * layer_bytes;
    kv.v = kv.k + kv.bytes();
    layer = (layer + 1) % layers;
    bench.ops.begin();
    benchmark::DoNotOptimize(bench.ops.attend({q.data(), T, kHeads * kDim}, kv, 1 / std::sqrt(float(kDim))).data);
  }
  const double keys_seen = double(T) * P + double(T) * (T + 1) / 2;
  set_rate(state, "kv_GB", double(layer_bytes));
  set_rate(state, "GMAC", 2 * keys_seen * kHeads * kDim);
}

void add_products(std::string_view isa) {
  for (const quant::TypeInfo& type : quant::all_types()) {
    for (const bool packed : {false, true}) {
      if (packed && !type.quantised()) continue;
      const std::string name =
          "product/" + std::string(type.name) + "/" + std::string(isa) + (packed ? "/packed" : "/stored");
      benchmark::RegisterBenchmark(name.c_str(), [&type, isa, packed](State& s) { product(s, type, isa, packed); })
          ->ArgName("T")
          ->Arg(1)
          ->Arg(8)
          ->Arg(64)
          ->Arg(512)
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

void add_rows_and_attention(const kernels::Kernels& k) {
  const std::string isa(k.name);
  benchmark::RegisterBenchmark(("quantise/" + isa).c_str(), [&k](State& s) { quantise(s, k); });
  benchmark::RegisterBenchmark(("rms_norm/" + isa).c_str(), [&k](State& s) { rms_norm(s, k); });
  for (const auto type : {kernels::KvType::Q16, kernels::KvType::Q8_0, kernels::KvType::F16, kernels::KvType::F32}) {
    const std::string name = "attend/" + std::string(kernels::name_of(type)) + "/" + isa;
    auto* each = benchmark::RegisterBenchmark(name.c_str(), [&k, type](State& s) { attend(s, k.name, type); });
    each->ArgNames({"T", "P", "threads"})->Unit(benchmark::kMicrosecond)->UseRealTime();
    for (const int threads : {1, 2}) {
      for (const auto& [T, P] : {std::pair{1, 512}, {1, 8192}, {4, 8192}, {8, 8192}, {64, 512}, {512, 0}, {512, 8192}})
        each->Args({T, P, threads});
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const kernels::IsaRow& row : kernels::all_isas()) {
    if (!row.supported()) continue;
    add_products(row.kernels->name);
    add_rows_and_attention(*row.kernels);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
