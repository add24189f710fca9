// Any bytes as a GBNF grammar: rules or a typed error, and each way through the rules can be finished.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "grammar_walk.h"
#include "sampling/grammar/gbnf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace apr;
  if (size > 4096) return 0;
  try {
    fuzz::walk(grammar::read_gbnf({reinterpret_cast<const char*>(data), size}), data, size);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::BadInput && e.code() != ErrorCode::UnsupportedOperation) __builtin_trap();
  }
  return 0;
}
