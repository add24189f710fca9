#pragma once
#include <cstddef>
#include <cstdint>

namespace apr::kernels {

enum class KvType : uint8_t { F16, F32 };

/// One layer of a KV cache: K and V as [kv heads, capacity, d], elements of `type`.
struct KvView {
  std::byte* k = nullptr;
  std::byte* v = nullptr;
  int heads = 0, dim = 0, capacity = 0;
  int length = 0;  ///< P: tokens already cached
  KvType type = KvType::F16;
  size_t element_bytes() const { return type == KvType::F16 ? 2 : 4; }
  size_t offset(int head, int position) const {
    return (size_t(head) * size_t(capacity) + size_t(position)) * size_t(dim) * element_bytes();
  }
};

/// One sequence's share of a pass, as one layer sees it: its next `tokens` rows, which follow the kv.length positions
/// cached. The rows of several sequences lie one after another.
struct Sequence {
  KvView kv;
  int tokens = 0;
};

}  // namespace apr::kernels
