#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/metadata.h"
#include "quant/types.h"

namespace apr::gguf {

/// One entry of the tensor directory, its bytes proven to lie inside the file.
struct Tensor {
  std::string name;
  quant::Type type;
  std::vector<uint64_t> shape;      ///< [outer, inner]; GGUF stores it inner-first. 1 to 4 entries, none zero
  std::span<const std::byte> data;  ///< the stored blocks; valid while the File lives
  uint64_t offset;                  ///< bytes from the start of its part's file
  uint64_t elements() const;        ///< product of shape; proven not to overflow
};

enum class Access {
  Mmap,  ///< map the file; pages are read when touched
  Read,  ///< read all tensor data into memory: for file systems without mmap
};

/// A GGUF model file (version 2 or 3, little-endian), whole and validated; or all parts of a split one.
///
/// owns    the mapping or the memory; movable, not copyable
/// trust   untrusted bytes. Every count, length, offset, type and product is checked against the file's size before it
///         is used. Held at most: 32 bytes per byte of metadata and directory, which may take 256 MiB in all; and the
///         file, in Read mode
/// errors  Io (cannot open or read; a part is missing), BadFile (malformed: what, byte offset, found, expected),
///         UnsupportedOperation (GGUF version, big-endian, tensor type: by tensor and type name), Memory (too little)
/// threads const after open: any thread may read
/// source  GGUF specification (ggml docs/gguf.md)
class File {
 public:
  /// Opens path; for "NAME-00001-of-0000N.gguf" also the other parts, which must lie beside it.
  static File open(const std::filesystem::path& path, Access access = Access::Mmap);
  /// Parses a whole model that is already in memory (tests, fuzzing); the bytes are copied.
  static File parse(std::span<const std::byte> bytes, const std::string& name = "<memory>");

  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();

  const Metadata& metadata() const;         ///< of the first part
  std::span<const Tensor> tensors() const;  ///< of all parts, in file order
  const Tensor* find(std::string_view name) const;
  /// A hint that a tensor's bytes have been used: its pages go, and from_cache asks the system to forget them too.
  /// They come back when touched. Does nothing in Read mode
  void release(const Tensor& t, bool from_cache) const;
  uint32_t version() const;
  uint64_t file_bytes() const;  ///< sum over the parts
  int parts() const;
  const std::filesystem::path& path() const;

 private:
  struct Impl;
  explicit File(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace apr::gguf
