#pragma once
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace apr::gguf {

inline constexpr std::string_view kDamaged = "the file is damaged or cut short; fetch it again";

/// Metadata and tensor directory together may be this long. The largest known vocabularies take a tenth of it; with it
/// a hostile file of any size can cost only a few GiB of memory.
inline constexpr uint64_t kMaxHeaderBytes = uint64_t(256) << 20;

/// A cursor over the header of a GGUF file. Nothing is taken that the bytes do not hold.
///
/// owns    nothing: bytes and the text given to enter() must outlive it
/// trust   untrusted bytes; allocates nothing but error sentences
/// errors  BadFile: "FILE: byte OFFSET: SUBJECT: found …, expected …; what to do"
/// threads one at a time
class Reader {
 public:
  Reader(std::span<const std::byte> file, std::string file_name);

  uint64_t at() const { return at_; }  ///< bytes from the start of the file
  uint64_t left() const { return bytes_.size() - at_; }
  const std::string& file_name() const { return file_name_; }

  /// Says what comes next, for error sentences: "tensor 3 of 20", later with its name.
  void enter(std::string_view kind, uint64_t index = 0, uint64_t count = 0);
  void call_it(std::string_view name) { name_ = name; }

  /// A little-endian number; what names it in errors ("tensor count").
  template <class T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what), sizeof(T));
    return value;
  }
  /// A length of 64 bits and as many bytes: valid as long as the file's bytes.
  std::string_view text(std::string_view what);
  /// A count of 64 bits, of things that take at least min_bytes each: refused when that cannot fit.
  uint64_t count(std::string_view what, uint64_t min_bytes);

  /// Throws BadFile, naming file, offset and subject.
  template <class... Args>
  [[noreturn]] void bad(uint64_t at, fmt::format_string<Args...> format, Args&&... args) const {
    refuse(ErrorCode::BadFile, at, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void refuse(ErrorCode code, uint64_t at, const std::string& sentence) const;

 private:
  const std::byte* take(uint64_t n, std::string_view what);
  std::string_view why_short() const;

  std::span<const std::byte> bytes_;
  bool limited_;  ///< the file goes on after bytes_
  std::string file_name_;
  uint64_t at_ = 0;
  std::string_view kind_, name_;
  uint64_t index_ = 0, of_ = 0;
};

}  // namespace apr::gguf
