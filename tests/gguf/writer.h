#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gguf/metadata.h"
#include "quant/types.h"

namespace apr::test {

using Bytes = std::vector<std::byte>;

/// Appends a number as it stands in memory (little-endian).
template <class T>
void put(Bytes& to, T number) {
  static_assert(std::is_trivially_copyable_v<T>);
  const size_t n = to.size();
  to.resize(n + sizeof(T));
  std::memcpy(to.data() + n, &number, sizeof(T));
}
inline void put_raw(Bytes& to, const void* from, size_t n) {
  const auto* p = static_cast<const std::byte*>(from);
  to.insert(to.end(), p, p + n);
}
/// A GGUF string: a length of 64 bits and its bytes.
inline void put_text(Bytes& to, std::string_view text) {
  put<uint64_t>(to, text.size());
  put_raw(to, text.data(), text.size());
}

/// The bytes of numbers, as tensor data.
template <class T>
Bytes bytes_of(const std::vector<T>& numbers) {
  Bytes out;
  put_raw(out, numbers.data(), numbers.size() * sizeof(T));
  return out;
}

/// Builds GGUF files for tests: sound ones with add() and tensor(), broken ones with the raw_ and claim_ verbs.
///
///   Bytes file = GgufWriter().add("general.architecture", "qwen3moe").add<uint32_t>("qwen3moe.block_count", 2)
///                    .tensor("token_embd.weight", quant::Type::F32, {8, 4}, bytes_of(values)).bytes();
///
/// errors  none: it writes what it is told, sound or not
/// source  GGUF specification
class GgufWriter {
 public:
  /// A tensor directory entry as the file has it.
  struct RawTensor {
    std::string name;
    std::vector<uint64_t> dims;  ///< inner-first
    uint32_t type_id = 0;        ///< ggml_type
    Bytes data;
    uint64_t offset = kPlace;  ///< from the start of the tensor data
  };
  static constexpr uint64_t kPlace = ~uint64_t(0);  ///< as offset: after the tensor before it, aligned

  explicit GgufWriter(uint32_t version = 3) : version_(version) {}

  /// A value whose type in the file follows from T: bool, integers of 8 to 64 bits, float, double, text, and vectors of
  /// these.
  template <class T>
  GgufWriter& add(std::string_view key, const T& value) {
    if constexpr (std::is_convertible_v<T, std::string_view>) {
      Bytes text;
      put_text(text, value);
      return raw(key, gguf::ValueType::String, text);
    } else if constexpr (std::is_arithmetic_v<T>) {
      Bytes number;
      put(number, value);
      return raw(key, type_of<T>(), number);
    } else {
      return raw(key, gguf::ValueType::Array, array_of(value));
    }
  }

  /// An array value as the file has it: element type, count, items. Also for arrays in arrays.
  template <class T>
  static Bytes array_of(const std::vector<T>& items) {
    Bytes out;
    if constexpr (std::is_convertible_v<T, std::string_view>) {
      put(out, uint32_t(gguf::ValueType::String));
      put<uint64_t>(out, items.size());
      for (const auto& item : items) put_text(out, item);
    } else {
      put(out, uint32_t(type_of<T>()));
      put<uint64_t>(out, items.size());
      for (const T item : items) put(out, item);
    }
    return out;
  }
  static Bytes array_of_arrays(const std::vector<Bytes>& arrays) {
    Bytes out;
    put(out, uint32_t(gguf::ValueType::Array));
    put<uint64_t>(out, arrays.size());
    for (const Bytes& array : arrays) put_raw(out, array.data(), array.size());
    return out;
  }

  /// Any value type number with any bytes after it.
  GgufWriter& raw(std::string_view key, uint32_t type, const Bytes& value) {
    put_text(metadata_, key);
    put(metadata_, type);
    put_raw(metadata_, value.data(), value.size());
    ++n_pairs_;
    return *this;
  }
  GgufWriter& raw(std::string_view key, gguf::ValueType type, const Bytes& value) {
    return raw(key, uint32_t(type), value);
  }

  /// Writes general.alignment, and lays the tensors out by it.
  GgufWriter& alignment(uint32_t bytes) {
    alignment_ = bytes;
    return add<uint32_t>("general.alignment", bytes);
  }

  /// shape [outer, inner]; data: the stored blocks.
  GgufWriter& tensor(std::string name, quant::Type type, const std::vector<uint64_t>& shape, Bytes data) {
    return raw_tensor({std::move(name), {shape.rbegin(), shape.rend()}, quant::info(type).gguf_id, std::move(data)});
  }
  /// Zeros of the right size.
  GgufWriter& tensor(std::string name, quant::Type type, const std::vector<uint64_t>& shape) {
    uint64_t rows = 1;
    for (size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
    return tensor(std::move(name), type, shape, Bytes(rows * quant::info(type).row_bytes(shape.back())));
  }
  GgufWriter& raw_tensor(RawTensor tensor) {
    tensors_.push_back(std::move(tensor));
    return *this;
  }

  /// Counts in the header that differ from what the file has.
  GgufWriter& claim_pairs(uint64_t n) { return claimed_pairs_ = n, *this; }
  GgufWriter& claim_tensors(uint64_t n) { return claimed_tensors_ = n, *this; }

  /// The file. Nothing follows the last tensor's data, so that any cut hurts.
  Bytes bytes() const {
    Bytes out;
    put_raw(out, "GGUF", 4);
    put(out, version_);
    put<uint64_t>(out, claimed_tensors_ == kPlace ? tensors_.size() : claimed_tensors_);
    put<uint64_t>(out, claimed_pairs_ == kPlace ? n_pairs_ : claimed_pairs_);
    put_raw(out, metadata_.data(), metadata_.size());
    Bytes data;
    for (const RawTensor& t : tensors_) put_tensor(out, data, t);
    if (!data.empty()) out.resize(aligned(out.size()));
    put_raw(out, data.data(), data.size());
    return out;
  }

  void save(const std::filesystem::path& path) const {
    const Bytes file = bytes();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(file.data()), std::streamsize(file.size()));
  }

 private:
  template <class T>
  static constexpr gguf::ValueType type_of() {
    using V = gguf::ValueType;
    if constexpr (std::is_same_v<T, bool>) return V::Bool;
    if constexpr (std::is_same_v<T, float>) return V::F32;
    if constexpr (std::is_same_v<T, double>) return V::F64;
    constexpr bool is_signed = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return is_signed ? V::I8 : V::U8;
    if constexpr (sizeof(T) == 2) return is_signed ? V::I16 : V::U16;
    if constexpr (sizeof(T) == 4) return is_signed ? V::I32 : V::U32;
    return is_signed ? V::I64 : V::U64;
  }

  size_t aligned(size_t n) const { return (n + alignment_ - 1) / alignment_ * alignment_; }

  void put_tensor(Bytes& directory, Bytes& data, const RawTensor& t) const {
    put_text(directory, t.name);
    put(directory, uint32_t(t.dims.size()));
    for (const uint64_t dim : t.dims) put(directory, dim);
    put(directory, t.type_id);
    if (!t.data.empty()) data.resize(aligned(data.size()));
    put<uint64_t>(directory, t.offset == kPlace ? data.size() : t.offset);
    put_raw(data, t.data.data(), t.data.size());
  }

  uint32_t version_;
  size_t alignment_ = 32;
  Bytes metadata_;
  uint64_t n_pairs_ = 0, claimed_pairs_ = kPlace, claimed_tensors_ = kPlace;
  std::vector<RawTensor> tensors_;
};

}  // namespace apr::test
