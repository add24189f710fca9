// Any bytes as a JSON Schema: rules for it or a typed error, in bounded time. Where there are rules, each way through
// them can be finished, in exactly as many bytes as they say.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "grammar_walk.h"
#include "sampling/grammar/schema.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace apr;
  if (size > 4096) return 0;
  const auto schema = grammar::Json::parse(data, data + size, nullptr, /*allow_exceptions=*/false);
  if (schema.is_discarded()) return 0;
  try {
    fuzz::walk(grammar::rules_of_schema(schema), data, size);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::BadInput && e.code() != ErrorCode::UnsupportedOperation) __builtin_trap();
  }
  return 0;
}
