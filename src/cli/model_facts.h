#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "model/config.h"
#include "model/kv_cache.h"

namespace apr::cli {

/// One kind of tensors in a model file, such as "experts" at Q4_K.
struct TensorClass {
  std::string name, type;
  int count = 0;
  uint64_t elements = 0, bytes = 0;
};

/// What a decoded token costs, and what the file is made of; from the tensor directory alone.
struct ModelFacts {
  std::vector<TensorClass> classes;
  uint64_t parameters = 0;
  uint64_t active_parameters = 0;  ///< that one token multiplies with: K of E experts, one row of the embedding
  uint64_t active_bytes = 0;       ///< of weights read for one token
  uint64_t macs = 0;               ///< multiply-adds of one token's matrices, attention over the context not counted
};
ModelFacts model_facts(const gguf::File& file, const model::Config& config);

}  // namespace apr::cli
