#pragma once
#include <span>
#include <string>
#include <vector>

#include "gguf/file.h"

namespace apr::gguf {

/// What one GGUF file says, whole and checked. Tensor data points into the bytes it was read from.
struct Header {
  uint32_t version = 0;
  Metadata metadata;
  std::vector<Tensor> tensors;
};

/// Reads and checks all of one file but the tensors' values.
///
/// trust   untrusted bytes; see File
/// errors  BadFile, UnsupportedOperation
/// threads pure
/// source  GGUF specification, gguf_header_t
Header read_header(std::span<const std::byte> file, const std::string& file_name);

}  // namespace apr::gguf
