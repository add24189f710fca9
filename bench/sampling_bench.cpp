// How long does each way of choosing a token take, at the vocabulary of Qwen3?
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

#include "sampling/sampler.h"

namespace {

using namespace apr::sampling;

constexpr size_t kVocabulary = 151936;

/// Peaked: most of the probability on a few tokens, as models of language have it. Flat: normal, which spreads it over
/// thousands.
std::vector<float> logits(bool peaked) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, peaked ? 2.0f : 3.0f);
  std::vector<float> all(kVocabulary);
  for (float& x : all) x = normal(random);
  if (peaked) {
    for (int i = 0; i < 60; ++i) all[random() % kVocabulary] = 20 - 0.2f * float(i);
  }
  return all;
}

struct Chain {
  const char* name;
  Params params;
};
const Chain kChains[] = {
    {"greedy", {}},
    {"greedy_penalties", {.repetition_penalty = 1.1f, .presence_penalty = 0.5f, .penalty_window = 1024}},
    {"temperature", {.temperature = 0.7f}},
    {"top_k_20", {.temperature = 0.7f, .top_k = 20}},
    {"top_k_500", {.temperature = 0.7f, .top_k = 500}},
    {"top_p", {.temperature = 0.7f, .top_p = 0.9f}},
    {"min_p", {.temperature = 0.7f, .min_p = 0.05f}},
    {"all",
     {.repetition_penalty = 1.05f,
      .presence_penalty = 0.5f,
      .penalty_window = 1024,
      .temperature = 0.7f,
      .top_k = 20,
      .top_p = 0.8f,
      .min_p = 0.01f}},
    {"all_but_top_k",
     {.repetition_penalty = 1.05f,
      .presence_penalty = 0.5f,
      .penalty_window = 1024,
      .temperature = 0.7f,
      .top_p = 0.8f,
      .min_p = 0.01f}},
};

void pick(benchmark::State& state, const Params& params, bool peaked) {
  const std::vector<float> l = logits(peaked);
  Sampler sampler(params);
  std::mt19937 random(8);
  for (int i = 0; i < 2000; ++i) sampler.accept(Token(random() % kVocabulary));
  for (auto _ : state) benchmark::DoNotOptimize(sampler.pick(l));
}

}  // namespace

int main(int argc, char** argv) {
  for (const bool peaked : {true, false}) {
    for (const Chain& chain : kChains) {
      benchmark::RegisterBenchmark((std::string(peaked ? "peaked/" : "flat/") + chain.name).c_str(), pick, chain.params,
                                   peaked)
          ->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
