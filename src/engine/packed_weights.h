#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/large_memory.h"
#include "gguf/file.h"
#include "kernels/ops.h"
#include "model/placement.h"

namespace apr::engine {

/// Leaves weights in the file and counts what packing them would take.
class PackingPlan final : public model::Placement {
 public:
  kernels::Weight place(const gguf::Tensor& t, const kernels::Weight& stored, int count) override;
  uint64_t packed_bytes() const { return packed_; }
  uint64_t packable_bytes() const { return packable_; }                   ///< as the file stores them
  uint64_t other_bytes() const { return dense_ + experts_ - packable_; }  ///< of matrices that stay in the file
  uint64_t bytes_per_token(int experts, int kept) const { return dense_ + (experts ? experts_ / experts * kept : 0); }

 private:
  uint64_t packed_ = 0, packable_ = 0, dense_ = 0, experts_ = 0;
};

/// Packs the quantised matrices of a model into memory of its own as they are bound, and lets go of the file's bytes
/// one tensor after another, so that the process never holds the two together. Other matrices stay in the file.
///
/// owns    the packed weights; must outlive the model
/// errors  constructor: Memory. place(): what `progress` throws
/// threads packs on op's pool
class PackedWeights final : public model::Placement {
 public:
  /// bytes done and bytes in all, after each tensor; it may throw to give up
  using Report = std::function<void(uint64_t done, uint64_t total)>;
  /// forget: ask the system to drop the file's packed bytes from its cache, too.
  PackedWeights(const gguf::File& file, const PackingPlan& plan, kernels::Ops& op, bool forget, Report report);
  kernels::Weight place(const gguf::Tensor& t, const kernels::Weight& stored, int count) override;
  std::span<const std::byte> memory() const { return {memory_.data(), used_}; }

 private:
  const gguf::File& file_;
  kernels::Ops& op_;
  LargeMemory memory_;
  uint64_t used_ = 0, done_ = 0, total_;
  bool forget_;
  Report report_;
};

}  // namespace apr::engine
