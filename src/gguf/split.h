#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "gguf/metadata.h"

namespace apr::gguf {

/// The name of a part of a split model: "STEM-00002-of-00003.gguf".
struct PartName {
  std::string stem;
  uint64_t number;  ///< from 1
  uint64_t count;
  std::string file_name() const;
};

/// The parts of a file name; nothing when it has another form.
std::optional<PartName> parse_part_name(const std::string& file_name);

/// What a file's metadata says about being a part.
struct PartKeys {
  uint64_t number = 0;              ///< split.no: from 0
  uint64_t count = 1;               ///< split.count; 1 = a whole model
  std::optional<uint64_t> tensors;  ///< split.tensors.count: of all parts together
};

/// errors  BadFile: a key of another type, or a number that is not below its count
PartKeys read_part_keys(const Metadata& metadata, const std::string& shown_file);

/// Checks that the file a user opened is a whole model or the first of a split one, named so that its other parts can
/// be found. errors  BadFile: says which file to open
void check_first_part(const PartKeys& keys, const std::filesystem::path& path);

/// Checks that the file at path is part `number` (from 0) of the split model that starts with `first`.
/// errors  BadFile
void check_later_part(const PartKeys& keys, uint64_t number, const PartKeys& first, const std::filesystem::path& path);

/// Where part `number` (from 0) lies: beside the first.
/// needs   path passed check_first_part
std::filesystem::path part_path(const std::filesystem::path& first, uint64_t number);

}  // namespace apr::gguf
