#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace apr {

/// Scratch memory for one pass: handed out in order, given back all at once down to a mark.
///
/// It can also be run without memory, to find out how much a pass will need: then every pointer is null and only peak()
/// counts.
///
/// units   bytes; every piece starts on a cache line
/// errors  reserve: std::bad_alloc. Taking more than was reserved is a programmer's mistake and ends the program
/// threads one user at a time
class Arena {
 public:
  static constexpr size_t kAlign = 64;

  /// Makes room for `bytes`, dropping all that was handed out.
  void reserve(size_t bytes) {
    used_ = 0;
    if (bytes <= capacity_) return;
    memory_.reset();  // first: never two at a time
    memory_.reset(static_cast<std::byte*>(::operator new(bytes, std::align_val_t(kAlign))));
    capacity_ = bytes;
  }

  template <class T>
  T* take(size_t n) {
    size_t bytes = (n * sizeof(T) + kAlign - 1) / kAlign * kAlign;
    size_t start = used_;
    used_ += bytes;
    if (used_ > peak_) peak_ = used_;
    if (measuring_) return nullptr;
    if (used_ > capacity_) __builtin_trap();
    return reinterpret_cast<T*>(memory_.get() + start);
  }

  size_t mark() const { return used_; }
  void release(size_t mark) { used_ = mark; }
  size_t peak() const { return peak_; }
  void measure_only() { measuring_ = true; }
  bool measuring() const { return measuring_; }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t(kAlign)); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  size_t capacity_ = 0, used_ = 0, peak_ = 0;
  bool measuring_ = false;
};

}  // namespace apr
