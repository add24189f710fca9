#pragma once
#include <vector>

#include "gguf/file.h"
#include "gguf/reader.h"

namespace apr::gguf {

/// Reads the tensor directory and points each tensor to its bytes: names, types and shapes are sound, each name occurs
/// once, and the bytes lie inside the file, aligned, and overlap with no other tensor's.
///
/// needs   in stands at the directory of `count` entries in `file`; alignment is a power of two
/// trust   untrusted bytes; allocates at most about 10 bytes for each byte read
/// errors  BadFile, UnsupportedOperation (tensor type)
/// threads one at a time per reader
/// source  GGUF specification, gguf_tensor_info_t
std::vector<Tensor> read_tensors(Reader& in, uint64_t count, std::span<const std::byte> file, uint64_t alignment);

/// The fewest bytes that an entry takes: name length, one character, one dimension, type, offset.
inline constexpr uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

/// Indices of tensors by ascending name, equal names adjacent.
std::vector<size_t> order_by_name(std::span<const Tensor> tensors);

}  // namespace apr::gguf
