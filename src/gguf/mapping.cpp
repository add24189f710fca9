#include "gguf/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "base/error.h"
#include "base/memory.h"
#include "base/printable.h"

namespace apr::gguf {
namespace {

constexpr std::align_val_t kAlignment{4096};  // a page, as madvise asks

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

int open_for_reading(const std::filesystem::path& path) {
  const int fd =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // without O_NONBLOCK a pipe would wait for its writer
  if (fd >= 0) return fd;
  if (errno == ENOENT) fail(ErrorCode::Io, "{}: no such file; check the path", shown(path));
  fail(ErrorCode::Io, "{}: cannot open: {}; check the path and its permissions", shown(path), std::strerror(errno));
}

size_t size_of(int fd, const std::filesystem::path& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) fail(ErrorCode::Io, "{}: cannot read its size: {}", shown(path), std::strerror(errno));
  if (S_ISDIR(info.st_mode))
    fail(ErrorCode::Io, "{}: is a directory, expected a GGUF file; name the file inside it", shown(path));
  if (!S_ISREG(info.st_mode))
    fail(ErrorCode::Io, "{}: is a pipe or device, expected a GGUF file on disk; save it to a file first", shown(path));
  if (info.st_size == 0)
    fail(ErrorCode::BadFile, "{}: byte 0: found an empty file, expected GGUF; fetch it again", shown(path));
  return size_t(info.st_size);
}

/// Drops the system's own copy of what has been read as it goes, so that a large file is never in memory twice.
void read_whole(int fd, std::byte* to, size_t size, const std::filesystem::path& path) {
  constexpr size_t kChunk = size_t(64) << 20;
  for (size_t done = 0; done < size;) {
    const ssize_t n = ::pread(fd, to + done, std::min(kChunk, size - done), off_t(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(ErrorCode::Io, "{}: byte {}: cannot read: {}", shown(path), done, std::strerror(errno));
    if (n == 0)
      fail(ErrorCode::Io, "{}: byte {}: the file ends, expected {} bytes; is it being written?", shown(path), done,
           size);
    ::posix_fadvise(fd, off_t(done), n, POSIX_FADV_DONTNEED);
    done += size_t(n);
  }
}

}  // namespace

void Mapping::Release::operator()(const std::byte* p) const {
  auto* start = const_cast<std::byte*>(p);
  if (mapped) {
    ::munmap(start, size);
  } else {
    ::operator delete(start, kAlignment);
  }
}

void Mapping::release(std::span<const std::byte> part, bool from_cache) const {
  if (file_.empty()) return;
  // Whole pages only: the ends may belong to neighbours.
  const size_t page = size_t(::sysconf(_SC_PAGESIZE)), at = size_t(part.data() - bytes_.get());
  const size_t first = (at + page - 1) / page * page, end = (at + part.size()) / page * page;
  if (first >= end) return;
  ::madvise(const_cast<std::byte*>(bytes_.get()) + first, end - first, MADV_DONTNEED);
  if (!from_cache) return;
  const Descriptor file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // if it fails: it was only a hint
  ::posix_fadvise(file.get(), off_t(first), off_t(end - first), POSIX_FADV_DONTNEED);
}

Mapping Mapping::open(const std::filesystem::path& path, Access access) {
  const Descriptor fd(open_for_reading(path));
  const size_t size = size_of(fd.get(), path);
  if (access == Access::Mmap) {
    void* p = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (p == MAP_FAILED)
      fail(ErrorCode::Io, "{}: cannot map into memory: {}; use the read mode instead", shown(path),
           std::strerror(errno));
    return Mapping(Owned(static_cast<const std::byte*>(p), Release{size, true}), size, path);
  }
  void* memory = size > available_memory() ? nullptr : ::operator new(size, kAlignment, std::nothrow);
  if (!memory)
    fail(ErrorCode::Memory, "{}: cannot get {} bytes of memory to read it; use --load mmap, or a smaller model",
         shown(path), size);
  // Huge pages, where the system has them: reading weights waits less for address translation.
  ::madvise(memory, size, MADV_HUGEPAGE);
  Mapping whole(Owned(static_cast<const std::byte*>(memory), Release{size, false}), size);
  read_whole(fd.get(), static_cast<std::byte*>(memory), size, path);
  return whole;
}

Mapping Mapping::copy_of(std::span<const std::byte> bytes) {
  void* memory = ::operator new(bytes.size(), kAlignment);
  if (!bytes.empty()) std::memcpy(memory, bytes.data(), bytes.size());
  return Mapping(Owned(static_cast<const std::byte*>(memory), Release{bytes.size(), false}), bytes.size());
}

}  // namespace apr::gguf
