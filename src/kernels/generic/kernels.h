#pragma once
#include "kernels/generic/attend.h"
#include "kernels/generic/product.h"
#include "kernels/generic/roof.h"
#include "kernels/generic/rows.h"
#include "kernels/generic/store_kv.h"

namespace apr::kernels::generic {

/// All verbs, built from the words of one instruction set.
template <class Isa>
constexpr Kernels make_kernels() {
  Kernels k{};
  k.name = Isa::name;
  k.few_tokens = Isa::few_tokens;
  k.quantise = quantise<Isa>;
  k.rms_norm = rms_norm<Isa>;
  k.silu_mul = silu_mul<Isa>;
  k.softmax = softmax<Isa>;
  k.add = add<Isa>;
  k.add_scaled = add_scaled<Isa>;
  k.store_key = store_key<Isa>;
  k.store_value = store_value<Isa>;
  k.attend = attend<Isa>;
  k.read = read<Isa>;
  k.multiply_int8 = multiply_int8<Isa>;
  k.multiply_float = multiply_float<Isa>;
  k.attend_join = attend_join<Isa>;
  k.attend_finish = attend_finish<Isa>;
  auto put = [&]<class Stored>() { k.product[size_t(Stored::type)] = float_product<Isa, Stored>; };
  put.template operator()<F32Weights<Isa>>();
  put.template operator()<F16Weights<Isa>>();
  put.template operator()<Bf16Weights<Isa>>();
  quant::for_each_quantised([&]<class Q>() {
    k.product[size_t(Q::info.type)] = quantised_product<Isa, Q>;
    k.pack[size_t(Q::info.type)] = pack<Isa, Q>;
  });
  return k;
}

}  // namespace apr::kernels::generic
