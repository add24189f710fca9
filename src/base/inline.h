#pragma once
#include <type_traits>
#include <utility>

// Code that is compiled once per instruction set must leave no shared copy behind: were such a function emitted as a
// linker-merged symbol, the copy built for AVX-512 could be the one that runs on an older CPU. So it is inlined always,
// everywhere.
#define APR_INLINE [[gnu::always_inline]] inline

/// A loop of its own for the register allocator: inlined, it would share registers with its surroundings' constants.
#define APR_OWN_REGISTERS [[gnu::noinline]]

/// body(i) for i = 0 … N - 1, each i a constant (std::integral_constant), without a loop. The body is to be inlined:
/// [&](auto i) APR_INLINE_BODY {…}
#define APR_INLINE_BODY __attribute__((always_inline))
template <int N, class Body>
APR_INLINE void unrolled(Body body) {
  [&]<int... I>(std::integer_sequence<int, I...>) APR_INLINE_BODY { (body(std::integral_constant<int, I>{}), ...); }
  (std::make_integer_sequence<int, N>{});
}
