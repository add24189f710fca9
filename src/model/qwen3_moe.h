#pragma once
#include <memory>

#include "model/model.h"

namespace apr::model {

/// Architecture "qwen3moe": Qwen3-30B-A3B, Qwen3-Coder-30B-A3B and their kin.
std::unique_ptr<Model> load_qwen3_moe(const gguf::File& file, Placement& placement);

}  // namespace apr::model
