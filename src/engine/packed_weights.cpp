#include "engine/packed_weights.h"

#include <new>

#include "base/error.h"
#include "kernels/pack.h"

namespace apr::engine {
namespace {
bool can_pack(const kernels::Weight& w) { return quant::info(w.type).quantised(); }
}  // namespace

kernels::Weight PackingPlan::place(const gguf::Tensor& t, const kernels::Weight& stored, int count) {
  (count > 1 ? experts_ : dense_) += t.data.size();
  if (can_pack(stored)) {
    packable_ += t.data.size();
    packed_ += uint64_t(count) * kernels::packed_view(stored, nullptr).bytes();
  }
  return stored;
}

PackedWeights::PackedWeights(const gguf::File& file, const PackingPlan& plan, kernels::Ops& op, bool forget,
                             Report report)
    : file_(file), op_(op), total_(plan.packable_bytes()), forget_(forget), report_(std::move(report)) {
  try {
    memory_ = LargeMemory(plan.packed_bytes());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::Memory, "packed weights: the system refused {} MiB; use --load mmap", plan.packed_bytes() >> 20);
  }
}

kernels::Weight PackedWeights::place(const gguf::Tensor& t, const kernels::Weight& stored, int count) {
  if (!can_pack(stored)) return stored;
  const kernels::ExpertWeights from{stored, count};
  const kernels::ExpertWeights to{kernels::packed_view(stored, memory_.data() + used_), count};
  for (int e = 0; e < count; ++e) op_.pack(from[e], memory_.data() + used_ + uint64_t(e) * to.first.bytes());
  used_ += uint64_t(count) * to.first.bytes();
  file_.release(t, forget_);
  done_ += t.data.size();
  if (report_) report_(done_, total_);
  return to.first;
}

}  // namespace apr::engine
