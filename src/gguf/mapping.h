#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>

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
  bool holds(const std::byte* p) const { return p >= bytes_.get() && p < bytes_.get() + size_; }
  /// See File::release. needs: `part` inside bytes()
  void release(std::span<const std::byte> part, bool from_cache) const;

 private:
  struct Release {
    size_t size = 0;
    bool mapped = false;
    void operator()(const std::byte* p) const;
  };
  using Owned = std::unique_ptr<const std::byte, Release>;
  Mapping(Owned bytes, size_t size, std::filesystem::path file = {})
      : bytes_(std::move(bytes)), size_(size), file_(std::move(file)) {}

  Owned bytes_;
  size_t size_;
  std::filesystem::path file_;  // that is mapped; else empty
};

}  // namespace apr::gguf
