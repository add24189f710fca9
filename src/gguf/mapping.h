#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "gguf/file.h"

namespace apr::gguf {

/// The bytes of a whole file, read-only.
///
/// owns    the mapping or the memory; movable
/// errors  Io (cannot open, map or read; a directory or device), BadFile (empty), Memory (too large to read)
/// threads const after construction
class Mapping {
 public:
  static Mapping open(const std::filesystem::path& path, Access access);
  static Mapping copy_of(std::span<const std::byte> bytes);
  std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }

 private:
  struct Release {
    size_t size = 0;
    bool mapped = false;
    void operator()(const std::byte* p) const;
  };
  using Owned = std::unique_ptr<const std::byte, Release>;
  Mapping(Owned bytes, size_t size) : bytes_(std::move(bytes)), size_(size) {}

  Owned bytes_;
  size_t size_;
};

}  // namespace apr::gguf
