#pragma once
#include <string>

namespace apr::test {
inline const std::string kBundledModel = std::string(APR_SOURCE_DIR) + "/models/tiny-qwen3moe-q4_k_m.gguf";
}
