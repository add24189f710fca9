#pragma once
#include <cstddef>
#include <memory>

namespace apr {

/// Memory for what is read in long lines again and again: weights and KV caches. It lies on huge pages where the system
/// has them, which saves waiting for address translation, and takes room only where it was written.
///
/// units   bytes; begins on a border of 2 MiB
/// errors  constructor: std::bad_alloc when the system refuses
/// threads owned by one
class LargeMemory {
 public:
  LargeMemory() = default;
  explicit LargeMemory(size_t bytes);
  std::byte* data() const { return start_; }

 private:
  struct Unmap {
    size_t bytes;
    void operator()(std::byte* p) const;
  };
  std::unique_ptr<std::byte, Unmap> whole_{nullptr, Unmap{0}};
  std::byte* start_ = nullptr;
};

}  // namespace apr
