#pragma once
#include <memory>

#include "model/model.h"

namespace apr::model {

// Dense decoders with a SwiGLU feed-forward. They differ in their attention only.
/// "qwen3": head norms.
std::unique_ptr<Model> load_qwen3(const gguf::File& file, Placement& placement);
/// "qwen2" (and 2.5): q, k and v have biases.
std::unique_ptr<Model> load_qwen2(const gguf::File& file, Placement& placement);
/// "llama": neighbouring RoPE pairs, llama-3 frequency factors.
std::unique_ptr<Model> load_llama(const gguf::File& file, Placement& placement);

}  // namespace apr::model
