#pragma once
#include <cstdint>
#include <limits>

namespace apr::sampling {

using Token = int32_t;

/// The logit of a token that is never chosen.
inline constexpr float kBanned = -std::numeric_limits<float>::infinity();

}  // namespace apr::sampling
