#include "kernels/pack.h"

#include <array>

#include "kernels/table.h"
#include "quant/all.h"

namespace apr::kernels {
namespace {

/// Of 16 rows, for one block.
constexpr PerType<int> block_bytes() {
  PerType<int> bytes{};
  quant::for_each_quantised([&]<class Q>() {
    bytes[size_t(Q::info.type)] = kPanelRows * (4 * Q::layout.words + (Q::layout.half_at >= 0 ? 2 : 0));
  });
  return bytes;
}
constexpr PerType<int> kBlockBytes = block_bytes();

}  // namespace

uint64_t packed_panel_bytes(quant::Type type, int n_in) {
  const uint64_t blocks = uint64_t(n_in) / quant::info(type).block_len;
  return (blocks * uint64_t(kBlockBytes[size_t(type)]) + 63) / 64 * 64;
}

Weight packed_view(const Weight& stored, const std::byte* to) {
  Weight w = stored;
  w.data = to;
  w.panel_bytes = packed_panel_bytes(stored.type, stored.n_in);
  return w;
}

}  // namespace apr::kernels
