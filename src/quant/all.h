#pragma once
// Every quantised type. To add one: write NAME.h, include it here and put it in the list (and its name in quant::Type);
// size checks, every instruction set's products, tests and benchmarks follow from the list.
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace apr::quant {

/// Calls visit.template operator()<Q>() for each quantised type Q, in the order of quant::Type.
template <class Visitor>
constexpr void for_each_quantised(Visitor&& visit) {
  auto all = [&]<class... Q>() { (visit.template operator()<Q>(), ...); };
  all.template operator()<Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS>();
}

}  // namespace apr::quant
