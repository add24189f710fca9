// How long does each way of choosing a token take, at the vocabulary of Qwen3?
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>

#include "sampling/logprobs.h"
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
    {"typical", {.temperature = 0.7f, .typical_p = 0.9f}},
    {"min_p_typical", {.temperature = 0.7f, .min_p = 0.02f, .typical_p = 0.9f}},
    {"xtc", {.temperature = 0.7f, .xtc_probability = 0.5f}},
    {"min_p_xtc", {.temperature = 0.7f, .min_p = 0.02f, .xtc_probability = 0.5f}},
    {"mirostat", {.temperature = 0.7f, .mirostat_tau = 5}},
    {"greedy_all_the_past", {.repetition_penalty = 1.1f, .penalty_window = -1}},
    {"greedy_dry", {.dry_multiplier = 0.8f}},
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

/// Tokens of a long conversation: some often, some once, as in text.
constexpr size_t kPast = 32768;

void pick(benchmark::State& state, const Params& params, bool peaked) {
  const std::vector<float> l = logits(peaked);
  Sampler sampler(params);
  std::mt19937 random(8);
  for (size_t i = 0; i < kPast; ++i) sampler.accept(Token(random() % (1 + random() % 8000)));
  for (auto _ : state) benchmark::DoNotOptimize(sampler.pick(l));
}

/// A grammar's mask that holds every n-th token.
void pick_masked(benchmark::State& state, size_t every) {
  const std::vector<float> l = logits(false);
  Sampler sampler({.temperature = 0.7f});
  std::vector<uint64_t> mask(mask_words(kVocabulary));
  for (size_t id = 0; id < kVocabulary; id += every) set(mask, Token(id), true);
  for (auto _ : state) benchmark::DoNotOptimize(sampler.pick(l, mask));
}

void read_logprobs(benchmark::State& state) {
  const std::vector<float> l = logits(true);
  LogprobReader reader;
  for (auto _ : state) benchmark::DoNotOptimize(reader.read(l, 5, 20));
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
  for (const size_t every : {1u, 2u, 1000u}) {
    benchmark::RegisterBenchmark(("flat/temperature_mask_1_of_" + std::to_string(every)).c_str(), pick_masked, every)
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::RegisterBenchmark("peaked/logprobs_20", read_logprobs)->Unit(benchmark::kMicrosecond);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
