#include "kernels/isa/avx2.h"

#include "kernels/dispatch.h"
#include "kernels/generic/kernels.h"

namespace apr::kernels::isa {
const Kernels kAvx2 = generic::make_kernels<Avx2>();
}
