#include <fmt/ranges.h>

#include "base/error.h"
#include "base/printable.h"
#include "model/dense.h"
#include "model/model.h"
#include "model/qwen3_moe.h"

namespace apr::model {
namespace {

struct Row {
  const char* architecture;  ///< general.architecture
  std::unique_ptr<Model> (*load)(const gguf::File&, Placement&);
};
constexpr Row kRegistry[] = {
    {"qwen3moe", load_qwen3_moe},
    {"qwen3", load_qwen3},
    {"qwen2", load_qwen2},
    {"llama", load_llama},
};

}  // namespace

std::vector<std::string> architectures() {
  std::vector<std::string> names;
  for (const Row& row : kRegistry) names.emplace_back(row.architecture);
  return names;
}

std::unique_ptr<Model> load(const gguf::File& file, Placement& placement) {
  const std::string& architecture = file.metadata().require_string("general.architecture");
  for (const Row& row : kRegistry) {
    if (architecture == row.architecture) return row.load(file, placement);
  }
  fail(ErrorCode::UnsupportedOperation,
       "architecture '{}' is not built (contract qwen3-moe-forward-v1: an unknown architecture is refused, never "
       "guessed); there are: {}",
       printable(architecture), fmt::join(architectures(), ", "));
}

std::unique_ptr<Model> load(const gguf::File& file) {
  InFile in_file;
  return load(file, in_file);
}

size_t Model::scratch_bytes(int threads, int tokens, Rows rows, int sequences) const {
  kernels::Ops op = kernels::Ops::measuring(threads);
  KvCache empty(config().L, config().G, config().d, 0, KvType::F16);
  const std::vector<Token> any(static_cast<size_t>(tokens), 0);
  std::vector<Slice> slices(static_cast<size_t>(sequences), Slice{&empty, 1});
  slices.front().tokens = tokens - (sequences - 1);
  forward(op, any, slices, rows);
  return op.peak_bytes();
}

}  // namespace apr::model
