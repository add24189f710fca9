#pragma once
#include <span>
#include <string_view>

#include "kernels/table.h"

namespace apr::kernels {

/// One instruction set that this program was built with.
struct IsaRow {
  const Kernels* kernels;
  bool (*supported)();  ///< by this CPU and its operating system
};

/// Best first; the last, scalar, runs everywhere.
std::span<const IsaRow> all_isas();

/// The best one this CPU supports, or the one of that name.
/// errors Usage (no such name; lists the names), UnsupportedOperation (this CPU lacks it; never a silent step down)
const Kernels& choose_kernels(std::string_view name = "");

namespace isa {
extern const Kernels kScalar, kAvx2, kAvxVnni, kAvx512, kAmx;
}

}  // namespace apr::kernels
