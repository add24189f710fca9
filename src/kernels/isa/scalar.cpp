#include "kernels/isa/scalar.h"

#include "kernels/dispatch.h"
#include "kernels/generic/kernels.h"

namespace apr::kernels::isa {
const Kernels kScalar = generic::make_kernels<Scalar>();
}
