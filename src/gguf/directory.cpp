#include "gguf/directory.h"

#include <algorithm>
#include <numeric>

#include "base/printable.h"
#include "gguf/values.h"

namespace apr::gguf {
namespace {

constexpr uint32_t kMaxDimensions = 4;
/// Elements of a tensor stay below this, so that its bytes (8 per element at most) fit 64 bits. No file is as large.
constexpr uint64_t kMaxElements = uint64_t(1) << 58;

std::vector<uint64_t> read_shape(Reader& in) {
  const uint64_t start = in.at();
  const auto n = in.number<uint32_t>("dimension count");
  if (n == 0 || n > kMaxDimensions)
    in.bad(start, "dimension count: found {}, expected 1 to {}; {}", n, kMaxDimensions, kDamaged);
  std::vector<uint64_t> shape(n);
  uint64_t elements = 1;
  for (uint32_t i = 0; i < n; ++i) {
    const uint64_t at = in.at(), size = shape[n - 1 - i] = in.number<uint64_t>("dimension");
    if (size == 0) in.bad(at, "dimension {}: found 0, expected 1 or more; {}", i, kDamaged);
    if (size > (kMaxElements - 1) / elements)
      in.bad(at, "dimension {}: found {}, expected fewer than 2^58 elements in all; {}", i, size, kDamaged);
    elements *= size;
  }
  return shape;
}

quant::Type read_type(Reader& in) {
  const uint64_t start = in.at();
  const auto id = in.number<uint32_t>("tensor type");
  if (const quant::TypeInfo* info = quant::find(id)) return info->type;
  const std::string_view name = quant::gguf_type_name(id);
  in.refuse(ErrorCode::UnsupportedOperation, start,
            name.empty() ? fmt::format("found tensor type {}, which is unknown, expected one that apr computes with; "
                                       "the file is damaged or newer "
                                       "than this program",
                                       id)
                         : fmt::format("found tensor type {} ({}), expected one that apr computes with; use a file "
                                       "quantised to Q4_K_M, Q8_0 or "
                                       "another supported type",
                                       name, id));
}

/// Bytes that the tensor's blocks take. needs: whole blocks per row
uint64_t stored_bytes(const Tensor& t) {
  const uint64_t row = t.shape.back();
  return t.elements() / row * quant::info(t.type).row_bytes(row);
}

Tensor read_tensor(Reader& in) {
  Tensor t;
  const uint64_t start = in.at();
  const std::string_view name = in.text("name");
  in.call_it(name);
  check_name(in, start, name);
  t.name = name;
  const uint64_t shape_at = in.at();
  t.shape = read_shape(in);
  t.type = read_type(in);
  const quant::TypeInfo& info = quant::info(t.type);
  if (t.shape.back() % info.block_len != 0) {
    in.bad(shape_at,
           "found rows of {} elements, expected a multiple of {}, the block length of {}; the file was written wrong: "
           "convert it again",
           t.shape.back(), info.block_len, info.name);
  }
  t.offset = in.number<uint64_t>("tensor offset");
  return t;
}

/// The directory of one file, with what its errors need.
struct Directory {
  Reader& in;
  std::span<const std::byte> file;
  uint64_t alignment;
  std::vector<Tensor> tensors = {};
  std::vector<uint64_t> entry_at = {};  ///< where each tensor's entry starts

  template <class... Args>
  [[noreturn]] void bad(size_t i, fmt::format_string<Args...> format, Args&&... args) {
    in.enter("tensor", i, tensors.size());
    in.call_it(tensors[i].name);
    in.bad(entry_at[i], format, std::forward<Args>(args)...);
  }
  void read(uint64_t count);
  void refuse_twins();
  void place(size_t i, uint64_t data_start);
  void refuse_overlap();
};

/// The offsets stay those of the file, from the start of the tensor data.
void Directory::read(uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    in.enter("tensor", i, count);
    entry_at.push_back(in.at());
    tensors.push_back(read_tensor(in));
  }
}

void Directory::refuse_twins() {
  const std::vector<size_t> order = order_by_name(tensors);
  for (size_t i = 1; i < order.size(); ++i) {
    const auto [first, second] = std::minmax(order[i - 1], order[i]);
    if (tensors[first].name != tensors[second].name) continue;
    bad(second,
        "found the name a second time (first at byte {}), expected each name once; the file was written wrong: convert "
        "or fetch it again",
        entry_at[first]);
  }
}

void Directory::place(size_t i, uint64_t data_start) {
  Tensor& t = tensors[i];
  if (t.offset % alignment != 0)
    bad(i, "found offset {}, expected a multiple of {}, the alignment; {}", t.offset, alignment, kDamaged);
  const uint64_t room = file.size() > data_start ? file.size() - data_start : 0, need = stored_bytes(t);
  if (t.offset > room || need > room - t.offset) {
    bad(i, "found {} bytes of data at offset {}, expected them within the {} bytes that follow the header; {}", need,
        t.offset, room, kDamaged);
  }
  t.offset += data_start;
  t.data = file.subspan(t.offset, need);
}

void Directory::refuse_overlap() {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return tensors[a].offset < tensors[b].offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    const Tensor &before = tensors[order[i - 1]], &t = tensors[order[i]];
    const uint64_t end = before.offset + before.data.size();
    if (t.offset >= end) continue;
    bad(order[i], "found its data at byte {}, inside that of '{}' (bytes {} to {}), expected no overlap; {}", t.offset,
        printable(before.name), before.offset, end, kDamaged);
  }
}

}  // namespace

std::vector<Tensor> read_tensors(Reader& in, uint64_t count, std::span<const std::byte> file, uint64_t alignment) {
  Directory directory{in, file, alignment};
  directory.read(count);
  directory.refuse_twins();
  const uint64_t data_start = (in.at() + alignment - 1) / alignment * alignment;
  for (size_t i = 0; i < count; ++i) directory.place(i, data_start);
  directory.refuse_overlap();
  return std::move(directory.tensors);
}

std::vector<size_t> order_by_name(std::span<const Tensor> tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return tensors[a].name < tensors[b].name; });
  return order;
}

}  // namespace apr::gguf
