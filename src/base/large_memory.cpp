#include "base/large_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <limits>
#include <new>

namespace apr {
namespace {
constexpr size_t kHugePage = size_t(2) << 20;
}

LargeMemory::LargeMemory(size_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() - kHugePage) throw std::bad_alloc();
  if (bytes == 0) return;
  const size_t whole = bytes + kHugePage;
  void* p = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  whole_ = {static_cast<std::byte*>(p), Unmap{whole}};
  const uintptr_t address = reinterpret_cast<uintptr_t>(p);
  start_ = whole_.get() + ((address + kHugePage - 1) / kHugePage * kHugePage - address);
  ::madvise(start_, bytes, MADV_HUGEPAGE);  // may be refused: then pages are small
}

void LargeMemory::Unmap::operator()(std::byte* p) const { ::munmap(p, bytes); }

}  // namespace apr
