#pragma once
#include "kernels/generic/few_tokens.h"
#include "kernels/generic/float_product.h"
#include "kernels/generic/many_tokens.h"

// Matrix products: 16 rows of weights times any number of tokens (ProductJob). The order of float operations is stated
// in table.h, and is the same on every path.
namespace apr::kernels::generic {

template <class Isa, class Q, class Rows>
APR_INLINE void product_of(const ProductJob& job, const Rows& rows) {
  job.tokens <= Isa::few_tokens ? few_tokens_at_most<Isa, Q>(job, rows) : many_tokens<Isa, Q>(job, rows);
}

template <class Isa, class Q>
void quantised_product(const ProductJob& job) {
  job.w->packed() ? product_of<Isa, Q>(job, PackedRows<Q>(job)) : product_of<Isa, Q>(job, StoredRows<Isa, Q>(job));
}

}  // namespace apr::kernels::generic
