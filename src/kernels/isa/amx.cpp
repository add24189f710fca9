#include "kernels/isa/amx.h"

#include "kernels/dispatch.h"
#include "kernels/generic/kernels.h"

namespace apr::kernels::isa {
const Kernels kAmx = generic::make_kernels<Amx>();
}
