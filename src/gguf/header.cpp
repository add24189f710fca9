#include "gguf/header.h"

#include <algorithm>
#include <bit>

#include "base/printable.h"
#include "gguf/directory.h"
#include "gguf/reader.h"
#include "gguf/values.h"

namespace apr::gguf {
namespace {

constexpr uint64_t kDefaultAlignment = 32, kMinAlignment = 8, kMaxAlignment = 65536;

/// What a file without GGUF's first four bytes seems to be; a hint for people, empty when unknown.
std::string_view looks_like(std::string_view start) {
  if (start.starts_with("version https://git-lfs"))
    return "; it is a Git LFS pointer: fetch the file itself with git lfs pull";
  if (start.starts_with("<!") || start.starts_with("<html"))
    return "; it looks like a web page: was the download refused?";
  if (start.starts_with("PK\x03\x04")) return "; it looks like a PyTorch or zip file: convert it to GGUF";
  if (start.size() > 9 && start[8] == '{' && start[7] == 0 && start[6] == 0)
    return "; it looks like safetensors: convert it to GGUF";
  if (start.starts_with("lmgg") || start.starts_with("tjgg") || start.starts_with("fmgg"))
    return "; it is a GGML file older than GGUF: convert it";
  return "; is this the right file?";
}

void check_magic(std::span<const std::byte> file, const std::string& file_name) {
  if (file.empty())
    fail(ErrorCode::BadFile, "{}: byte 0: found an empty file, expected GGUF; fetch it again", file_name);
  const std::string_view start(reinterpret_cast<const char*>(file.data()), std::min<size_t>(file.size(), 64));
  if (start.starts_with("GGUF")) return;
  const std::string_view whole_magic = "GGUF";
  if (whole_magic.starts_with(start))
    fail(ErrorCode::BadFile, "{}: byte 0: found only {} bytes, expected GGUF; {}", file_name, file.size(), kDamaged);
  fail(ErrorCode::BadFile, "{}: byte 0: not a GGUF file: found '{}', expected 'GGUF'{}", file_name,
       printable(start.substr(0, 4)), looks_like(start));
}

uint32_t swap_bytes(uint32_t v) { return v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24; }

uint32_t read_version(Reader& in) {
  const uint64_t start = in.at();
  const auto version = in.number<uint32_t>("version");
  if (version == 2 || version == 3) return version;
  const auto refuse = [&](const std::string& why) { in.refuse(ErrorCode::UnsupportedOperation, start, why); };
  if (version == 1) refuse("found GGUF version 1, expected 2 or 3; convert the model again with a current tool");
  const uint32_t swapped = swap_bytes(version);
  if (swapped >= 1 && swapped <= 0xffff) {
    refuse(fmt::format(
        "found a big-endian file (version {}), expected little-endian; convert the model for little-endian machines",
        swapped));
  }
  refuse(
      fmt::format("found GGUF version {}, expected 2 or 3; the file is damaged or newer than this program", version));
  return 0;
}

uint64_t alignment_of(const Reader& in, const Metadata& metadata) {
  const Value* value = metadata.find("general.alignment");
  if (!value) return kDefaultAlignment;
  const auto* number = std::get_if<uint64_t>(&value->v);
  if (!number || !std::has_single_bit(*number) || *number < kMinAlignment || *number > kMaxAlignment) {
    in.bad(in.at(), "general.alignment: found {} ({}), expected an unsigned power of two from {} to {}; {}",
           value->display(), name_of(value->type), kMinAlignment, kMaxAlignment, kDamaged);
  }
  return *number;
}

}  // namespace

Header read_header(std::span<const std::byte> file, const std::string& file_name) {
  check_magic(file, file_name);
  Reader in(file, file_name);
  in.enter("header");
  in.number<uint32_t>("magic");
  Header header;
  header.version = read_version(in);
  const uint64_t n_tensors = in.count("tensor count", kMinTensorBytes);
  const uint64_t n_pairs = in.count("metadata count", kMinPairBytes);
  header.metadata = read_metadata(in, n_pairs);
  in.enter("metadata");
  const uint64_t alignment = alignment_of(in, header.metadata);
  header.tensors = read_tensors(in, n_tensors, file, alignment);
  return header;
}

}  // namespace apr::gguf
