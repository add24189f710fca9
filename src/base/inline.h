#pragma once

// Code that is compiled once per instruction set must leave no shared copy behind: were such a function emitted as a
// linker-merged symbol, the copy built for AVX-512 could be the one that runs on an older CPU. So it is inlined always,
// everywhere.
#define APR_INLINE [[gnu::always_inline]] inline

/// A loop of its own for the register allocator: inlined, it would share registers with its surroundings' constants.
#define APR_OWN_REGISTERS [[gnu::noinline]]
