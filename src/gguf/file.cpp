#include "gguf/file.h"

#include <algorithm>
#include <new>
#include <numeric>

#include "base/error.h"
#include "base/printable.h"
#include "gguf/directory.h"
#include "gguf/header.h"
#include "gguf/mapping.h"
#include "gguf/split.h"

namespace apr::gguf {
struct File::Impl {
  std::filesystem::path path;
  std::vector<Mapping> parts;
  uint32_t version = 0;
  Metadata metadata;
  std::vector<Tensor> tensors;
  std::vector<size_t> by_name;  ///< indices into tensors

  /// Takes over a part's bytes and tensors, and returns its metadata.
  Metadata append(Mapping bytes, const std::string& shown_file) {
    Header header = read_header(bytes.bytes(), shown_file);
    if (parts.empty()) version = header.version;
    tensors.insert(tensors.end(), std::make_move_iterator(header.tensors.begin()),
                   std::make_move_iterator(header.tensors.end()));
    parts.push_back(std::move(bytes));
    return std::move(header.metadata);
  }

  void append_later_parts(const PartKeys& first, Access access) {
    for (uint64_t i = 1; i < first.count; ++i) {
      const std::filesystem::path part = part_path(path, i);
      if (!std::filesystem::exists(part)) {
        fail(ErrorCode::Io, "{}: part {} of {} is missing; put it beside {}", shown(part), i + 1, first.count,
             shown(path.filename()));
      }
      const Metadata keys = append(Mapping::open(part, access), shown(part));
      check_later_part(read_part_keys(keys, shown(part)), i, first, part);
    }
    if (first.count > 1 && first.tensors != tensors.size()) {
      fail(ErrorCode::BadFile,
           "{}: found {} tensors in its {} parts, expected {} (split.tensors.count); fetch the parts again",
           shown(path), tensors.size(), first.count,
           first.tensors ? std::to_string(*first.tensors) : "that the file says how many");
    }
  }

  void index_names() {
    by_name = order_by_name(tensors);
    const auto same = [&](size_t a, size_t b) { return tensors[a].name == tensors[b].name; };
    const auto twin = std::adjacent_find(by_name.begin(), by_name.end(), same);
    if (twin != by_name.end()) {
      fail(ErrorCode::BadFile,
           "{}: tensor '{}': found it in two parts, expected each name once; the parts are mixed up: fetch them again",
           shown(path), printable(tensors[*twin].name));
    }
  }
};

uint64_t Tensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), uint64_t(1), std::multiplies<>());
}

File File::open(const std::filesystem::path& path, Access access) try {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->metadata = impl->append(Mapping::open(path, access), shown(path));
  const PartKeys keys = read_part_keys(impl->metadata, shown(path));
  check_first_part(keys, path);
  impl->append_later_parts(keys, access);
  impl->index_names();
  return File(std::move(impl));
} catch (const std::bad_alloc&) {
  fail(ErrorCode::Memory, "{}: not enough memory to read its metadata; close other programs, or is the file damaged?",
       shown(path));
}

File File::parse(std::span<const std::byte> bytes, const std::string& name) {
  auto impl = std::make_unique<Impl>();
  impl->path = name;
  impl->metadata = impl->append(Mapping::copy_of(bytes), shown(name));
  const PartKeys keys = read_part_keys(impl->metadata, shown(name));
  if (keys.count > 1) {
    fail(ErrorCode::BadFile,
         "{}: found part {} of {} of a split model, expected a whole one, since parts are found by their path; open "
         "the first by its path",
         shown(name), keys.number + 1, keys.count);
  }
  impl->index_names();
  return File(std::move(impl));
}

File::File(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
File::File(File&&) noexcept = default;
File& File::operator=(File&&) noexcept = default;
File::~File() = default;

const Metadata& File::metadata() const { return impl_->metadata; }
std::span<const Tensor> File::tensors() const { return impl_->tensors; }
uint32_t File::version() const { return impl_->version; }
int File::parts() const { return int(impl_->parts.size()); }
const std::filesystem::path& File::path() const { return impl_->path; }

const Tensor* File::find(std::string_view name) const {
  const auto& tensors = impl_->tensors;
  const auto found = std::lower_bound(impl_->by_name.begin(), impl_->by_name.end(), name,
                                      [&](size_t i, std::string_view wanted) { return tensors[i].name < wanted; });
  return found != impl_->by_name.end() && tensors[*found].name == name ? &tensors[*found] : nullptr;
}

void File::release(const Tensor& t, bool from_cache) const {
  for (const Mapping& part : impl_->parts) {
    if (part.holds(t.data.data())) part.release(t.data, from_cache);
  }
}

uint64_t File::file_bytes() const {
  uint64_t sum = 0;
  for (const Mapping& part : impl_->parts) sum += part.bytes().size();
  return sum;
}

}  // namespace apr::gguf
