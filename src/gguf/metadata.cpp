#include "gguf/metadata.h"

#include <limits>

#include "base/error.h"
#include "base/printable.h"

namespace apr::gguf {
namespace {

/// "string", or "array of string".
std::string kind_of(const Value& value) {
  const auto* array = std::get_if<Array>(&value.v);
  return array ? fmt::format("array of {}", name_of(array->element)) : std::string(name_of(value.type));
}

[[noreturn]] void wrong_type(std::string_view key, const Value& value, std::string_view expected) {
  fail(ErrorCode::BadModel, "{}: found {} ({}), expected {}; convert the model again", printable(key), kind_of(value),
       value.display(), expected);
}

[[noreturn]] void missing(std::string_view key, std::string_view expected) {
  fail(ErrorCode::BadModel, "{}: found no such key in the file's metadata, expected {}; is this a whole model?",
       printable(key), expected);
}

/// The items of an array of the wanted kind, or nullptr when there is no such key.
template <class Items>
const Items* items_of(const Value* value, std::string_view key, std::string_view expected) {
  if (!value) return nullptr;
  const auto* array = std::get_if<Array>(&value->v);
  const auto* items = array ? std::get_if<Items>(&array->items) : nullptr;
  if (!items) wrong_type(key, *value, expected);
  return items;
}

constexpr std::string_view kUnsigned = "unsigned integer", kNumber = "number", kText = "string",
                           kIntegers = "array of integers";

}  // namespace

std::string_view name_of(ValueType type) {
  constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};
  const auto i = size_t(type);
  return i < std::size(kNames) ? kNames[i] : "unknown";
}

size_t Array::size() const {
  return std::visit([](const auto& list) { return list.size(); }, items);
}

const Value* Metadata::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &entries_[found->second].value;
}

bool Metadata::add(std::string key, Value value) {
  if (!index_.emplace(key, entries_.size()).second) return false;
  entries_.push_back({std::move(key), std::move(value)});
  return true;
}

std::optional<uint64_t> Metadata::u64(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* u = std::get_if<uint64_t>(&value->v)) return *u;
  if (const auto* i = std::get_if<int64_t>(&value->v); i && *i >= 0) return uint64_t(*i);
  wrong_type(key, *value, kUnsigned);
}

std::optional<double> Metadata::f64(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* d = std::get_if<double>(&value->v)) return *d;
  if (const auto* u = std::get_if<uint64_t>(&value->v)) return double(*u);
  if (const auto* i = std::get_if<int64_t>(&value->v)) return double(*i);
  wrong_type(key, *value, kNumber);
}

std::optional<bool> Metadata::boolean(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* b = std::get_if<bool>(&value->v)) return *b;
  wrong_type(key, *value, "bool");
}

const std::string* Metadata::string(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return nullptr;
  if (const auto* s = std::get_if<std::string>(&value->v)) return s;
  wrong_type(key, *value, kText);
}

const std::vector<std::string>* Metadata::strings(std::string_view key) const {
  return items_of<std::vector<std::string>>(find(key), key, "array of strings");
}

std::optional<std::vector<int64_t>> Metadata::integers(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return std::nullopt;
  const auto* array = std::get_if<Array>(&value->v);
  if (!array || array->element == ValueType::Bool) wrong_type(key, *value, kIntegers);
  if (const auto* list = std::get_if<std::vector<int64_t>>(&array->items)) return *list;
  const auto& list = *items_of<std::vector<uint64_t>>(value, key, kIntegers);
  for (const uint64_t item : list) {
    if (item > uint64_t(std::numeric_limits<int64_t>::max())) wrong_type(key, *value, "array of integers below 2^63");
  }
  return std::vector<int64_t>(list.begin(), list.end());
}

std::optional<std::vector<double>> Metadata::floats(std::string_view key) const {
  const auto* list = items_of<std::vector<double>>(find(key), key, "array of floats");
  return list ? std::optional(*list) : std::nullopt;
}

uint64_t Metadata::require_u64(std::string_view key) const {
  const auto number = u64(key);
  if (!number) missing(key, kUnsigned);
  return *number;
}

double Metadata::require_f64(std::string_view key) const {
  const auto number = f64(key);
  if (!number) missing(key, kNumber);
  return *number;
}

const std::string& Metadata::require_string(std::string_view key) const {
  const std::string* text = string(key);
  if (!text) missing(key, kText);
  return *text;
}

}  // namespace apr::gguf
