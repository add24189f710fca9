#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace apr::gguf {

/// Value types with their numbers in the file (GGUF spec, gguf_metadata_value_type).
enum class ValueType : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64 };
std::string_view name_of(ValueType type);

struct Value;

/// An array of one element type. Kept compact: a vocabulary has 150,000 strings.
/// Integers of every width are widened to 64 bits; floats of both to double.
struct Array {
  ValueType element = ValueType::U8;
  std::variant<std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>, std::vector<std::string>,
               std::vector<Array>>
      items;
  size_t size() const;
};

/// One metadata value. Integers are widened to 64 bits, keeping their signedness; `type` is the one in the file.
struct Value {
  ValueType type = ValueType::U8;
  std::variant<uint64_t, int64_t, double, bool, std::string, Array> v;
  /// Short text for people: scalars whole, long strings and arrays cut with their size.
  std::string display(size_t max_chars = 80) const;
};

/// The metadata of a file: keys in file order, each once.
///
/// errors  typed getters throw BadModel when a key has another type or does not fit: "qwen3moe.block_count: found
/// string, expected
///         unsigned integer"; `require_*` also when it is missing
/// threads const after load
class Metadata {
 public:
  struct Entry {
    std::string key;
    Value value;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  const Value* find(std::string_view key) const;

  std::optional<uint64_t> u64(std::string_view key) const;  ///< any integer type whose value is not negative
  std::optional<double> f64(std::string_view key) const;    ///< F32 or F64; also any integer
  std::optional<bool> boolean(std::string_view key) const;
  const std::string* string(std::string_view key) const;
  const std::vector<std::string>* strings(std::string_view key) const;       ///< array of strings
  std::optional<std::vector<int64_t>> integers(std::string_view key) const;  ///< array of any integer type
  std::optional<std::vector<double>> floats(std::string_view key) const;     ///< array of F32 or F64

  uint64_t require_u64(std::string_view key) const;
  double require_f64(std::string_view key) const;
  const std::string& require_string(std::string_view key) const;

  /// Appends; false (and nothing changed) when the key is there already.
  bool add(std::string key, Value value);

 private:
  std::vector<Entry> entries_;
  std::map<std::string, size_t, std::less<>>
      index_;  // ordered: no file can make its keys collide, as it could in a hash table
};

}  // namespace apr::gguf
