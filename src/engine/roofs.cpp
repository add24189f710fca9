#include "engine/roofs.h"

#include <algorithm>
#include <new>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/dispatch.h"
#include "kernels/roofs.h"

namespace apr::engine {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kLeast = 8 * kMiB, kMost = 1024 * kMiB;

std::string size_text(uint64_t bytes) {
  return bytes < 1024 * kMiB ? fmt::format("{} MiB", bytes / kMiB)
                             : fmt::format("{:.1f} GiB", double(bytes) / double(1024 * kMiB));
}

}  // namespace

double Roofs::least_seconds(const kernels::Work& work) const {
  const double multiplying =
      double(work.int8_macs) / int8_macs + double(work.float_macs + work.attention_macs) / float_macs;
  return std::max(double(work.bytes()) / read, multiplying);
}

void Roofs::raise(const Roofs& other) {
  read = std::max(read, other.read);
  int8_macs = std::max(int8_macs, other.int8_macs);
  float_macs = std::max(float_macs, other.float_macs);
}

RoofMeter::RoofMeter(Engine& engine) : engine_(engine) {
  const uint64_t weights = engine.file().file_bytes();
  const uint64_t wanted = std::clamp(weights / kMiB * kMiB, kLeast, kMost);
  if (const auto packed = engine.packed_memory(); packed.size() >= wanted) {
    memory_ = packed.first(packed.size() / kMiB * kMiB);
    memory_name_ = size_text(memory_.size()) + " of packed weights";
    return;
  }
  const uint64_t size = std::min(wanted, available_memory() / 2) / kMiB * kMiB;
  try {
    if (size < kLeast) throw std::bad_alloc();
    own_ = LargeMemory(size);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::Memory, "memory: the roof of reading needs {}, {} are free; free some", size_text(kLeast),
         size_text(available_memory()));
  }
  kernels::first_touch(engine.pool(), {own_.data(), size});
  memory_ = {own_.data(), size};
  memory_name_ = size_text(size) + " of memory";
  if (size < wanted) memory_name_ += fmt::format(" ({} wanted, half of what is free taken)", size_text(wanted));
}

Roofs RoofMeter::measure() {
  const kernels::Kernels& k = kernels::choose_kernels(engine_.isa());
  return {kernels::read_roof(engine_.pool(), k, memory_), kernels::int8_roof(engine_.pool(), k),
          kernels::float_roof(engine_.pool(), k)};
}

}  // namespace apr::engine
