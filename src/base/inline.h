#pragma once

// Code that is compiled once per instruction set must leave no shared copy behind: were such a function emitted as a
// linker-merged symbol, the copy built for AVX-512 could be the one that runs on an older CPU. So it is inlined always,
// everywhere.
#define APR_INLINE [[gnu::always_inline]] inline
