#include "gguf/reader.h"

#include <algorithm>
#include <bit>

#include "base/printable.h"

namespace apr::gguf {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they stand in the file");

Reader::Reader(std::span<const std::byte> file, std::string file_name)
    : bytes_(file.first(std::min<uint64_t>(file.size(), kMaxHeaderBytes))),
      limited_(file.size() > kMaxHeaderBytes),
      file_name_(std::move(file_name)) {}

void Reader::enter(std::string_view kind, uint64_t index, uint64_t count) {
  kind_ = kind;
  name_ = {};
  index_ = index;
  of_ = count;
}

const std::byte* Reader::take(uint64_t n, std::string_view what) {
  if (n > left()) bad(at_, "{}: found {} bytes, expected {}; {}", what, left(), n, why_short());
  const std::byte* p = bytes_.data() + at_;
  at_ += n;
  return p;
}

std::string_view Reader::text(std::string_view what) {
  const uint64_t start = at_, length = number<uint64_t>(what);
  if (length > left())
    bad(start, "{}: found a length of {} bytes, expected at most the {} that are left; {}", what, length, left(),
        why_short());
  return {reinterpret_cast<const char*>(take(length, what)), size_t(length)};
}

uint64_t Reader::count(std::string_view what, uint64_t min_bytes) {
  const uint64_t start = at_, n = number<uint64_t>(what);
  if (n > left() / min_bytes) {
    bad(start, "{}: found {}, expected at most {}, since {} bytes are left and each takes {} or more; {}", what, n,
        left() / min_bytes, left(), min_bytes, why_short());
  }
  return n;
}

std::string_view Reader::why_short() const {
  return limited_ ? "metadata and tensor directory may take 256 MiB in all; the file is damaged" : kDamaged;
}

void Reader::refuse(ErrorCode code, uint64_t at, const std::string& sentence) const {
  std::string subject(kind_);
  if (of_ > 0) subject += fmt::format(" {} of {}", index_ + 1, of_);
  if (!name_.empty()) subject += fmt::format(" '{}'", printable(name_));
  fail(code, "{}: byte {}: {}: {}", file_name_, at, subject, sentence);
}

}  // namespace apr::gguf
