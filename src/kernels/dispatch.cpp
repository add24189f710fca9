#include "kernels/dispatch.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "base/error.h"

namespace apr::kernels {
namespace {

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

// CPUs with AVX2 but without F16C were never sold, so AVX2 and FMA stand for all three.
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avxvnni() { return has_avx2() && __builtin_cpu_supports("avxvnni"); }

/// Linux gives a process the matrix unit's registers when it asks for them (arch_prctl(2), ARCH_REQ_XCOMP_PERM of
/// XTILEDATA).
bool has_amx() {
  static const bool granted = [] {
    constexpr long kRequestPermission = 0x1023, kTileData = 18;
    return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") && has_avx512() &&
           syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted;
}

const IsaRow kRows[] = {
    {&isa::kAmx, has_amx},
    {&isa::kAvx512, has_avx512},
    {&isa::kAvxVnni, has_avxvnni},
    {&isa::kAvx2, has_avx2},
    {&isa::kScalar, [] { return true; }},
};

std::string names() {
  std::string list;
  for (const IsaRow& row : kRows) list += (list.empty() ? "" : ", ") + std::string(row.kernels->name);
  return list;
}

}  // namespace

std::span<const IsaRow> all_isas() { return kRows; }

const Kernels& choose_kernels(std::string_view name) {
  for (const IsaRow& row : kRows) {
    if (name.empty() ? row.supported() : row.kernels->name == name) {
      if (!row.supported()) {
        fail(ErrorCode::UnsupportedOperation,
             "instruction set {}: this CPU, or its operating system, does not offer it; leave --isa out to get the best it has", name);
      }
      return *row.kernels;
    }
  }
  fail(ErrorCode::Usage, "instruction set '{}' is not known; there are: {}", name, names());
}

}  // namespace apr::kernels
