// How many bytes of text a second does one thread turn into tokens, and back?
//
//   tokenizer_bench [benchmark flags] [DIR with vocab.json and merges.txt]    default: the bundled model's vocabulary
//
// Code is all of this project's own; prose its documentation; the others are there because they are hard.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/engine.h"
#include "tokenizer/tokenizer.h"

namespace {

namespace fs = std::filesystem;
using namespace apr;
using tokenizer::Special;
using tokenizer::Tokenizer;

/// The files of a folder with one of these extensions, one after another.
std::string texts(const fs::path& folder, std::initializer_list<const char*> extensions) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (std::find(extensions.begin(), extensions.end(), entry.path().extension()) != extensions.end())
      paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::string all;
  for (const fs::path& path : paths) {
    std::ifstream in(path, std::ios::binary);
    all.append(std::istreambuf_iterator<char>(in), {});
  }
  return all;
}

std::string repeated(std::string_view text, size_t bytes) {
  std::string all;
  while (all.size() < bytes) all += text;
  return all;
}

void encode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  size_t tokens = 0;
  for (auto _ : state) tokens = tokenizer.encode(text, Special::Parse).size();
  state.SetBytesProcessed(int64_t(state.iterations() * text.size()));
  state.counters["bytes_per_token"] = double(text.size()) / double(tokens);
}

void decode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  const auto ids = tokenizer.encode(text, Special::Plain);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.decode(ids));
  state.SetBytesProcessed(int64_t(state.iterations() * text.size()));
}

void stream(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  const auto ids = tokenizer.encode(text, Special::Plain);
  for (auto _ : state) {
    tokenizer::TextStream out(tokenizer);
    for (const auto id : ids) benchmark::DoNotOptimize(out.push(id));
  }
  state.SetItemsProcessed(int64_t(state.iterations() * ids.size()));
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const fs::path root = APR_SOURCE_DIR;
  const Tokenizer tokenizer =
      argc > 1 ? Tokenizer(tokenizer::read_vocabulary(fs::path(argv[1]) / "vocab.json", fs::path(argv[1]) / "merges.txt"))
               : Tokenizer(engine::vocabulary_of(gguf::File::open(root / "models/tiny-qwen3moe-q4_k_m.gguf")));
  const std::pair<const char*, std::string> kinds[] = {
      {"code", texts(root / "src", {".cpp", ".h"})},
      {"python", texts(root, {".py"})},
      {"prose", texts(root, {".md"})},
      {"chinese", repeated("敏捷的棕色狐狸跳过懒狗。数据表明,这种方法更有效;", 100000)},
      {"russian", repeated("Быстрая коричневая лиса прыгает через ленивую собаку. ", 100000)},
      {"digits", repeated("3.14159, 0x1f, 271828; ", 100000)},
      {"one_letter", std::string(100000, 'a')},
  };
  for (const auto& [name, text] : kinds) {
    benchmark::RegisterBenchmark(("encode/" + std::string(name)).c_str(), [&](auto& s) { encode(s, tokenizer, text); });
  }
  benchmark::RegisterBenchmark("decode/code", [&](auto& s) { decode(s, tokenizer, kinds[0].second); });
  benchmark::RegisterBenchmark("stream/code", [&](auto& s) { stream(s, tokenizer, kinds[0].second); });
  benchmark::RunSpecifiedBenchmarks();
}
