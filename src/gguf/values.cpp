#include "gguf/values.h"

namespace apr::gguf {
namespace {

constexpr uint32_t kLastType = uint32_t(ValueType::F64);
constexpr uint64_t kMaxKeyBytes = 65535;

/// The fewest bytes that a value of this type takes in the file.
uint64_t min_bytes(ValueType type) {
  switch (type) {
    case ValueType::U8:
    case ValueType::I8:
    case ValueType::Bool:
      return 1;
    case ValueType::U16:
    case ValueType::I16:
      return 2;
    case ValueType::U32:
    case ValueType::I32:
    case ValueType::F32:
      return 4;
    case ValueType::U64:
    case ValueType::I64:
    case ValueType::F64:
    case ValueType::String:
      return 8;
    case ValueType::Array:
      return 4 + 8;
  }
  return 1;
}

ValueType read_type(Reader& in, std::string_view what) {
  const uint64_t start = in.at();
  const auto type = in.number<uint32_t>(what);
  if (type > kLastType) in.bad(start, "{}: found {}, expected 0 to {}; {}", what, type, kLastType, kDamaged);
  return ValueType(type);
}

bool read_bool(Reader& in) {
  const uint64_t start = in.at();
  const auto byte = in.number<uint8_t>("bool");
  if (byte > 1) in.bad(start, "bool: found {}, expected 0 or 1; {}", byte, kDamaged);
  return byte == 1;
}

uint64_t read_unsigned(Reader& in, ValueType type) {
  switch (type) {
    case ValueType::U8:
      return in.number<uint8_t>("value");
    case ValueType::U16:
      return in.number<uint16_t>("value");
    case ValueType::U32:
      return in.number<uint32_t>("value");
    case ValueType::Bool:
      return read_bool(in);
    default:
      return in.number<uint64_t>("value");
  }
}

int64_t read_signed(Reader& in, ValueType type) {
  switch (type) {
    case ValueType::I8:
      return in.number<int8_t>("value");
    case ValueType::I16:
      return in.number<int16_t>("value");
    case ValueType::I32:
      return in.number<int32_t>("value");
    default:
      return in.number<int64_t>("value");
  }
}

double read_float(Reader& in, ValueType type) {
  return type == ValueType::F32 ? double(in.number<float>("value")) : in.number<double>("value");
}

template <class T, class ReadOne>
std::vector<T> read_items(uint64_t n, ReadOne read_one) {
  std::vector<T> items;
  items.reserve(n);
  for (uint64_t i = 0; i < n; ++i) items.push_back(read_one());
  return items;
}

Array read_array(Reader& in, int depth) {
  const uint64_t start = in.at();
  if (depth > kMaxArrayDepth)
    in.bad(start, "array: found more than {0} levels of nesting, expected at most {0}; {1}", kMaxArrayDepth, kDamaged);
  Array array;
  const ValueType element = array.element = read_type(in, "array element type");
  const uint64_t n = in.count("array length", min_bytes(element));
  switch (element) {
    case ValueType::U8:
    case ValueType::U16:
    case ValueType::U32:
    case ValueType::U64:
    case ValueType::Bool:
      array.items = read_items<uint64_t>(n, [&] { return read_unsigned(in, element); });
      break;
    case ValueType::I8:
    case ValueType::I16:
    case ValueType::I32:
    case ValueType::I64:
      array.items = read_items<int64_t>(n, [&] { return read_signed(in, element); });
      break;
    case ValueType::F32:
    case ValueType::F64:
      array.items = read_items<double>(n, [&] { return read_float(in, element); });
      break;
    case ValueType::String:
      array.items = read_items<std::string>(n, [&] { return std::string(in.text("string")); });
      break;
    case ValueType::Array:
      array.items = read_items<Array>(n, [&] { return read_array(in, depth + 1); });
      break;
  }
  return array;
}

Value read_value(Reader& in) {
  Value value;
  value.type = read_type(in, "value type");
  switch (value.type) {
    case ValueType::U8:
    case ValueType::U16:
    case ValueType::U32:
    case ValueType::U64:
      value.v = read_unsigned(in, value.type);
      break;
    case ValueType::I8:
    case ValueType::I16:
    case ValueType::I32:
    case ValueType::I64:
      value.v = read_signed(in, value.type);
      break;
    case ValueType::F32:
    case ValueType::F64:
      value.v = read_float(in, value.type);
      break;
    case ValueType::Bool:
      value.v = read_bool(in);
      break;
    case ValueType::String:
      value.v = std::string(in.text("string"));
      break;
    case ValueType::Array:
      value.v = read_array(in, 1);
      break;
  }
  return value;
}

}  // namespace

void check_name(const Reader& in, uint64_t at, std::string_view name) {
  if (name.empty() || name.size() > kMaxKeyBytes) {
    in.bad(at, "name: found {} bytes, expected 1 to {}; {}", name.size(), kMaxKeyBytes, kDamaged);
  }
}

Metadata read_metadata(Reader& in, uint64_t count) {
  Metadata metadata;
  for (uint64_t i = 0; i < count; ++i) {
    in.enter("metadata entry", i, count);
    const uint64_t start = in.at();
    const std::string_view key = in.text("key");
    in.call_it(key);
    check_name(in, start, key);
    if (!metadata.add(std::string(key), read_value(in))) {
      in.bad(
          start,
          "found the key a second time, expected each key once; the file was written wrong: convert or fetch it again");
    }
  }
  return metadata;
}

}  // namespace apr::gguf
