#include "kernels/isa/avx512.h"

#include "kernels/dispatch.h"
#include "kernels/generic/kernels.h"

namespace apr::kernels::isa {
const Kernels kAvx512 = generic::make_kernels<Avx512>();
}
