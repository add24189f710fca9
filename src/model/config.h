#pragma once
#include <string>
#include <vector>

#include "gguf/file.h"

namespace apr::model {

/// The sizes of a decoder, read from the file and proven consistent. Letters are those of the model files.
struct Config {
  std::string architecture;     ///< general.architecture
  int L = 0;                    ///< layers
  int D = 0;                    ///< width
  int H = 0, G = 0, d = 0;      ///< query heads, kv heads, head width
  int V = 0;                    ///< vocabulary: rows of the embedding
  int E = 0, K = 0, F = 0;      ///< experts, kept per token, width of an expert; 0 for dense models
  int FF = 0;                   ///< width of the dense feed-forward; 0 where all layers are MoE
  int context = 0;              ///< trained context in tokens
  float eps = 0;                ///< of the RMS norms
  double rope_theta = 0;        ///< rope.freq_base
  int rope_dims = 0;            ///< elements of a head that RoPE turns
  bool full_precision = false;  ///< every matrix is stored as F32, F16 or BF16
};

/// What an architecture demands of the metadata beyond the keys that all share.
struct ConfigRules {
  bool experts =
      false;  ///< expert_count, expert_used_count and expert_feed_forward_length instead of feed_forward_length
  bool theta_required = true;  ///< no default for rope.freq_base
  double default_theta = 0;    ///< where it is not required (GGUF specification)
};

/// Reads ARCH.* keys and checks them against each other and against the embedding's shape.
/// errors  BadModel (missing, wrong type, impossible value), UnsupportedOperation (rope scaling, sliding windows,
/// unequal K and V widths)
Config read_config(const gguf::File& file, const ConfigRules& rules);

/// RoPE's radians per token for each pair: theta^(-2 i / dims), divided by the file's rope_freqs.weight where it has
/// one (llama 3). errors BadModel (rope_freqs.weight misshapen or not positive)
std::vector<double> rope_frequencies(const gguf::File& file, const Config& config);

}  // namespace apr::model
