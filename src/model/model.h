#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "kernels/ops.h"
#include "model/config.h"
#include "model/kv_cache.h"
#include "model/placement.h"

namespace apr::model {

using Token = int32_t;

enum class Rows { Last, All };  ///< which positions of the call get logits

/// A decoder with its weights bound. One forward pass serves every verb.
///
/// owns    views into the gguf::File it was loaded from, and into its placement's memory; both must outlive it
/// threads const; a forward uses the Ops and KvCache given, each for one caller at a time
class Model {
 public:
  virtual ~Model() = default;
  virtual const Config& config() const = 0;
  /// Logits after `tokens`, which extend the sequence in `kv`.
  ///
  /// shape   tokens [T], T >= 1 · result [1 or T, V] in op's arena, valid until op's next begin(); empty, and kv as it
  /// was,
  ///         if op was told to stop
  /// needs   0 <= token < V; kv.room() >= T; op.reserve(scratch_bytes(…)) for T tokens, and op.begin() before
  /// errors  none: all was settled before
  /// threads split over op's pool; the bits of a row depend on its sequence alone
  virtual kernels::Mat forward(kernels::Ops& op, std::span<const Token> tokens, KvCache& kv, Rows rows) const = 0;

  /// Arena bytes that a forward of `tokens` tokens takes at most, found by running it without computing.
  size_t scratch_bytes(int threads, int tokens, Rows rows) const;
};

/// Binds the model in a file by its general.architecture; its matrices go where `placement` says.
/// errors  UnsupportedOperation (unknown architecture: names it and the contract qwen3-moe-forward-v1; a feature that
/// is not built),
///         BadModel (missing or misshapen tensor, missing or impossible key: one sentence)
std::unique_ptr<Model> load(const gguf::File& file, Placement& placement);
std::unique_ptr<Model> load(const gguf::File& file);  ///< with its matrices in the file

/// The architectures that load() knows, in registry order.
std::vector<std::string> architectures();

}  // namespace apr::model
