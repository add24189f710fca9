#include "gguf/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/printable.h"

namespace apr::gguf {
namespace {

constexpr std::string_view kEnding = ".gguf", kOf = "-of-";
constexpr size_t kDigits = 5;

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<uint64_t> count_at(const Metadata& metadata, std::string_view key, const std::string& file) {
  const Value* value = metadata.find(key);
  if (!value) return std::nullopt;
  if (const auto* u = std::get_if<uint64_t>(&value->v)) return *u;
  if (const auto* i = std::get_if<int64_t>(&value->v); i && *i >= 0) return uint64_t(*i);
  fail(ErrorCode::BadFile, "{}: {}: found {} ({}), expected an integer of 0 or more; split the model again", file, key,
       value->display(), name_of(value->type));
}

}  // namespace

std::string PartName::file_name() const { return fmt::format("{}-{:05}-of-{:05}.gguf", stem, number, count); }

std::optional<PartName> parse_part_name(const std::string& file_name) {
  const std::string_view name = file_name;
  constexpr size_t kTail = 1 + kDigits + kOf.size() + kDigits + kEnding.size();
  if (name.size() <= kTail) return std::nullopt;
  const std::string_view stem = name.substr(0, name.size() - kTail), tail = name.substr(stem.size());
  const std::string_view number = tail.substr(1, kDigits), count = tail.substr(1 + kDigits + kOf.size(), kDigits);
  if (tail[0] != '-' || tail.substr(1 + kDigits, kOf.size()) != kOf || !tail.ends_with(kEnding)) return std::nullopt;
  if (!all_digits(number) || !all_digits(count)) return std::nullopt;
  return PartName{std::string(stem), std::strtoull(std::string(number).c_str(), nullptr, 10),
                  std::strtoull(std::string(count).c_str(), nullptr, 10)};
}

PartKeys read_part_keys(const Metadata& metadata, const std::string& file) {
  PartKeys keys;
  const auto number = count_at(metadata, "split.no", file), count = count_at(metadata, "split.count", file);
  keys.tensors = count_at(metadata, "split.tensors.count", file);
  keys.number = number.value_or(0);
  keys.count = std::max<uint64_t>(count.value_or(1), 1);  // some writers say 0 for a whole model
  if (keys.number >= keys.count) {
    fail(ErrorCode::BadFile,
         "{}: split.no: found {}, expected less than split.count, which is {}; split the model again", file,
         keys.number, keys.count);
  }
  return keys;
}

void check_first_part(const PartKeys& keys, const std::filesystem::path& path) {
  const auto name = parse_part_name(path.filename().string());
  if (keys.number > 0) {
    const std::string first = name ? PartName{name->stem, 1, keys.count}.file_name()
                                   : fmt::format("the one named …-00001-of-{:05}.gguf", keys.count);
    fail(ErrorCode::BadFile, "{}: found part {} of {} of a split model, expected the first; open {} instead",
         shown(path), keys.number + 1, keys.count, printable(first, 300));
  }
  if (keys.count == 1 && (!name || name->count <= 1)) return;
  if (keys.count == 1) {
    fail(ErrorCode::BadFile,
         "{}: named as one of {} parts, but found no split.count above 1 in it; rename it if it is a whole model",
         shown(path), name->count);
  }
  if (!name || name->number != 1 || name->count != keys.count) {
    fail(ErrorCode::BadFile,
         "{}: found the first of {} parts of a split model, expected the name …-00001-of-{:05}.gguf, by which the "
         "others are found; rename it",
         shown(path), keys.count, keys.count);
  }
}

void check_later_part(const PartKeys& keys, uint64_t number, const PartKeys& first, const std::filesystem::path& path) {
  if (keys.number != number || keys.count != first.count) {
    fail(ErrorCode::BadFile,
         "{}: found part {} of {} by its split.no and split.count, expected part {} of {}; the parts are mixed up: "
         "fetch them again",
         shown(path), keys.number + 1, keys.count, number + 1, first.count);
  }
}

std::filesystem::path part_path(const std::filesystem::path& first, uint64_t number) {
  PartName name = *parse_part_name(first.filename().string());
  name.number = number + 1;
  return first.parent_path() / name.file_name();
}

}  // namespace apr::gguf
