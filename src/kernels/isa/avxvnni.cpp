#include "kernels/isa/avxvnni.h"

#include "kernels/dispatch.h"
#include "kernels/generic/kernels.h"

namespace apr::kernels::isa {
const Kernels kAvxVnni = generic::make_kernels<AvxVnni>();
}
