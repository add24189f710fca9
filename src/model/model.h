#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "kernels/ops.h"
#include "model/kv_cache.h"

namespace apr::model {

using Token = int32_t;

/// The sizes of a decoder, read from the file and proven consistent. Letters are those of the model files.
struct Config {
  std::string architecture;   ///< general.architecture
  int L = 0;                  ///< layers
  int D = 0;                  ///< width
  int H = 0, G = 0, d = 0;    ///< query heads, kv heads, head width
  int V = 0;                  ///< vocabulary
  int E = 0, K = 0, F = 0;    ///< experts, kept per token, width of an expert; 0 for dense models
  int FF = 0;                 ///< width of a dense feed-forward; 0 where all layers are MoE
  int context = 0;            ///< trained context in tokens
  float eps = 0;              ///< of RMS norms
  float rope_theta = 0;       ///< rope.freq_base
  bool full_precision = false;  ///< every matrix is F32, F16 or BF16
};

enum class Rows { Last, All };  ///< which positions of the call get logits

/// A decoder with its weights bound. One forward pass serves every verb.
///
/// owns    views into the gguf::File it was loaded from, which must outlive it
/// threads const; a forward uses the Ops and KvCache given, each for one caller at a time
class Model {
 public:
  virtual ~Model() = default;
  virtual const Config& config() const = 0;
  /// Logits after `tokens`, which extend the sequence in `kv`.
  ///
  /// shape   tokens [T], T >= 1 · result [1 or T, V] in op's arena, valid until op's next begin()
  /// needs   0 <= token < V; kv.room() >= T; op sized by Ops::reserve for T tokens
  /// errors  none: all was settled before
  /// threads split over op's pool; the bits of a row depend on its tokens alone
  virtual kernels::Mat forward(kernels::Ops& op, std::span<const Token> tokens, KvCache& kv, Rows rows) const = 0;
  /// f32 numbers of scratch that a forward of T tokens takes from op's arena, at most.
  virtual size_t scratch_floats(int tokens, Rows rows) const = 0;
};

/// Binds the model in a file by its general.architecture.
/// errors  UnsupportedOperation (unknown architecture; names it and the contract qwen3-moe-forward-v1),
///         BadModel (missing or misshapen tensor, missing or impossible key: one sentence)
std::unique_ptr<Model> load(const gguf::File& file);

/// The architectures that load() knows, in registry order.
std::vector<std::string> architectures();

}  // namespace apr::model
