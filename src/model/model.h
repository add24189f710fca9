#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "kernels/ops.h"
#include "model/batch.h"
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
  /// Logits after `tokens`, which extend the sequences of `slices`, slice after slice.
  ///
  /// shape   tokens [T], T >= 1, the slices' tokens in all · result in op's arena, valid until op's next begin():
  /// [slices
  ///         or T, V]; empty, and the caches as they were, if op was told to stop
  /// needs   0 <= token < V; room in each cache, none of them twice; op.reserve(scratch_bytes(…)) for T tokens and as
  ///         many sequences, and op.begin() before
  /// errors  none: all was settled before
  /// threads split over op's pool; the bits of a row depend on its sequence alone
  virtual kernels::Mat forward(kernels::Ops& op, std::span<const Token> tokens, std::span<const Slice> slices,
                               Rows rows) const = 0;
  /// The same for one sequence.
  kernels::Mat forward(kernels::Ops& op, std::span<const Token> tokens, KvCache& kv, Rows rows) const {
    const Slice one{&kv, int(tokens.size())};
    return forward(op, tokens, {&one, 1}, rows);
  }

  /// Arena bytes that a forward of up to `tokens` tokens of up to `sequences` sequences takes, found by running it
  /// without computing. needs: 1 <= sequences <= tokens
  size_t scratch_bytes(int threads, int tokens, Rows rows, int sequences = 1) const;
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
