#include <fmt/format.h>

#include "base/printable.h"
#include "gguf/metadata.h"

namespace apr::gguf {
namespace {

std::string quoted(std::string_view text, size_t max_chars) {
  std::string out = fmt::format("\"{}\"", printable(text, max_chars));
  if (out.ends_with("…\"")) out += fmt::format(" ({} bytes)", text.size());
  return out;
}

/// A stored 32-bit float reads as it was written (1e-06), not with the digits of a double.
std::string float_text(double value, ValueType type) {
  return type == ValueType::F32 ? fmt::format("{}", float(value)) : fmt::format("{}", value);
}

std::string array_text(const Array& array, size_t max_chars);

std::string item_text(const Array& array, size_t i, size_t max_chars) {
  const auto& items = array.items;
  if (const auto* s = std::get_if<std::vector<std::string>>(&items)) return quoted((*s)[i], max_chars);
  if (const auto* a = std::get_if<std::vector<Array>>(&items)) return array_text((*a)[i], max_chars);
  if (const auto* d = std::get_if<std::vector<double>>(&items)) return float_text((*d)[i], array.element);
  if (const auto* n = std::get_if<std::vector<int64_t>>(&items)) return fmt::format("{}", (*n)[i]);
  const uint64_t u = std::get<std::vector<uint64_t>>(items)[i];
  return array.element == ValueType::Bool ? (u ? "true" : "false") : fmt::format("{}", u);
}

std::string array_text(const Array& array, size_t max_chars) {
  std::string out = "[";
  for (size_t i = 0; i < array.size(); ++i) {
    const std::string comma = i ? ", " : "";
    const size_t left = max_chars > out.size() ? max_chars - out.size() : 0;
    const std::string item = item_text(array, i, left);
    if (comma.size() + item.size() > left) return fmt::format("{}{}…] ({} items)", out, comma, array.size());
    out += comma + item;
  }
  return out + "]";
}

}  // namespace

std::string Value::display(size_t max_chars) const {
  if (const auto* a = std::get_if<Array>(&v)) return array_text(*a, max_chars);
  if (const auto* s = std::get_if<std::string>(&v)) return quoted(*s, max_chars);
  if (const auto* b = std::get_if<bool>(&v)) return *b ? "true" : "false";
  if (const auto* d = std::get_if<double>(&v)) return float_text(*d, type);
  if (const auto* i = std::get_if<int64_t>(&v)) return fmt::format("{}", *i);
  return fmt::format("{}", std::get<uint64_t>(v));
}

}  // namespace apr::gguf
