#pragma once
#include "gguf/metadata.h"
#include "gguf/reader.h"

namespace apr::gguf {

/// Arrays may hold arrays, so deep: enough for any known writer, and no input can exhaust the stack.
inline constexpr int kMaxArrayDepth = 4;

/// Reads `count` key-value pairs.
///
/// trust   untrusted bytes; allocates at most about 30 bytes for each byte read
/// errors  BadFile
/// threads one at a time per reader
/// source  GGUF specification, gguf_metadata_kv_t
Metadata read_metadata(Reader& in, uint64_t count);

/// The fewest bytes that a pair takes: key length, one character, value type, one byte of value.
inline constexpr uint64_t kMinPairBytes = 8 + 1 + 4 + 1;

/// Checks the length of a key or tensor name (which the specification calls a key too), found at byte `at`.
void check_name(const Reader& in, uint64_t at, std::string_view name);

}  // namespace apr::gguf
