#pragma once
#include <algorithm>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "gguf/samples.h"
#include "gguf/writer.h"

namespace apr::test {

/// A file that no loader may accept, and how it has to be refused.
struct BrokenFile {
  std::string name;
  Bytes bytes;
  ErrorCode code;
  std::string fragment;  ///< part of the error's sentence

  friend void PrintTo(const BrokenFile& file, std::ostream* out) { *out << file.name; }
};

inline Bytes text_bytes(std::string_view text) {
  Bytes out;
  put_raw(out, text.data(), text.size());
  return out;
}

inline Bytes header_bytes(uint32_t version, uint64_t tensors, uint64_t pairs) {
  Bytes out = text_bytes("GGUF");
  put(out, version);
  put(out, tensors);
  put(out, pairs);
  return out;
}

inline Bytes one_value(uint32_t type, const Bytes& value) { return GgufWriter().raw("key", type, value).bytes(); }

inline Bytes one_array(gguf::ValueType element, uint64_t count) {
  Bytes value;
  put(value, uint32_t(element));
  put(value, count);
  return one_value(uint32_t(gguf::ValueType::Array), value);
}

inline Bytes one_tensor(std::vector<uint64_t> dims, uint32_t type, size_t data_bytes,
                        uint64_t offset = GgufWriter::kPlace) {
  return GgufWriter().raw_tensor({"w", std::move(dims), type, Bytes(data_bytes), offset}).bytes();
}

/// Arrays in arrays, `levels` deep; the innermost is empty.
inline Bytes nested_arrays(int levels) {
  Bytes value = GgufWriter::array_of(std::vector<uint8_t>{});
  for (int i = 1; i < levels; ++i) value = GgufWriter::array_of_arrays({value});
  return one_value(uint32_t(gguf::ValueType::Array), value);
}

inline std::vector<BrokenFile> broken_containers() {
  constexpr auto kBad = ErrorCode::BadFile, kNot = ErrorCode::UnsupportedOperation;
  Bytes safetensors;
  put<uint64_t>(safetensors, 40);
  put_raw(safetensors, "{\"w\":{\"dtype\":\"F32\"}}", 21);
  constexpr uint64_t kHuge = uint64_t(1) << 60;
  return {
      {"empty", {}, kBad, "found an empty file"},
      {"one-byte", text_bytes("G"), kBad, "found only 1 bytes"},
      {"magic-only", text_bytes("GGUF"), kBad, "byte 4: header: version: found 0 bytes, expected 4"},
      {"text", text_bytes("once upon a time"), kBad, "not a GGUF file: found 'once'"},
      {"control-characters", text_bytes("\x1b[2Jx"), kBad, "found '\\x1b[2J'"},
      {"web-page", text_bytes("<!DOCTYPE html><title>404</title>"), kBad, "looks like a web page"},
      {"lfs-pointer", text_bytes("version https://git-lfs.github.com/spec/v1\n"), kBad, "Git LFS pointer"},
      {"zip", text_bytes(std::string_view("PK\x03\x04\x14\0\0\0", 8)), kBad, "PyTorch"},
      {"safetensors", safetensors, kBad, "looks like safetensors"},
      {"ggml", text_bytes("tjgg\3\0\0\0"), kBad, "older than GGUF"},
      {"version-0", header_bytes(0, 0, 0), kNot, "version 0, expected 2 or 3"},
      {"version-1", header_bytes(1, 0, 0), kNot, "version 1, expected 2 or 3"},
      {"version-4", header_bytes(4, 0, 0), kNot, "version 4, expected 2 or 3"},
      {"big-endian-2", header_bytes(0x02000000, 0, 0), kNot, "big-endian file (version 2)"},
      {"big-endian-3", header_bytes(0x03000000, 0, 0), kNot, "big-endian file (version 3)"},
      {"37-bytes",
       [] {
         auto b = header_bytes(3, 1, 1);
         return b.resize(37), b;
       }(),
       kBad, "byte 8: header: tensor count: found 1, expected at most 0, since 21 bytes are left"},
      {"37-bytes-in-a-key",
       [] {
         auto b = sample_file();
         return b.resize(37), b;
       }(),
       kBad, "expected at most"},
      {"tensors-2^60", header_bytes(3, kHuge, 0), kBad,
       "byte 8: header: tensor count: found 1152921504606846976, expected at most 0"},
      {"tensors-2^64-1", header_bytes(3, ~uint64_t(0), 0), kBad, "tensor count: found 18446744073709551615"},
      {"pairs-2^60", header_bytes(3, 0, kHuge), kBad, "byte 16: header: metadata count: found 1152921504606846976"},
      {"pairs-one-too-many", GgufWriter().add<uint64_t>("a-long-enough-key", 1).claim_pairs(2).bytes(), kBad,
       "metadata entry 2 of 2: key: found 0 bytes"},
      {"tensors-one-too-many", GgufWriter().tensor("w", quant::Type::F32, {100}).claim_tensors(2).bytes(), kBad,
       "tensor 2 of 2"},
  };
}

inline std::vector<BrokenFile> broken_metadata() {
  constexpr auto kBad = ErrorCode::BadFile;
  using V = gguf::ValueType;
  constexpr uint64_t kHuge = uint64_t(1) << 60;
  const auto string_of = [](uint64_t length, std::string_view text) {
    Bytes out;
    put(out, length);
    put_raw(out, text.data(), text.size());
    return one_value(uint32_t(V::String), out);
  };
  const auto key_of = [](uint64_t length) {
    Bytes out = header_bytes(3, 0, 1);
    put(out, length);
    out.resize(out.size() + 16, std::byte('k'));
    return out;
  };
  const auto aligned_to = [](uint64_t n) { return GgufWriter().add<uint64_t>("general.alignment", n).bytes(); };
  return {
      {"key-2^60", key_of(kHuge), kBad,
       "byte 24: metadata entry 1 of 1: key: found a length of 1152921504606846976 bytes, expected at most the 16"},
      {"key-empty", GgufWriter().add<uint32_t>("", 1).bytes(), kBad, "name: found 0 bytes, expected 1 to 65535"},
      {"key-65536", GgufWriter().add<uint32_t>(std::string(65536, 'k'), 1).bytes(), kBad, "name: found 65536 bytes"},
      {"key-twice", GgufWriter().add<uint32_t>("a.b", 1).add("a.b", "x").bytes(), kBad,
       "byte 43: metadata entry 2 of 2 'a.b': found the key a second time"},
      {"key-with-controls", GgufWriter().raw("a\x1b[31m\n", 99, {}).bytes(), kBad, "'a\\x1b[31m\\n'"},
      {"value-type-13", one_value(13, Bytes(8)), kBad,
       "byte 35: metadata entry 1 of 1 'key': value type: found 13, expected 0 to 12"},
      {"value-type-2^32-1", one_value(~0u, Bytes(8)), kBad, "value type: found 4294967295"},
      {"bool-2", one_value(uint32_t(V::Bool), Bytes(1, std::byte(2))), kBad, "bool: found 2, expected 0 or 1"},
      {"bool-in-array-255",
       [] {
         Bytes b = one_array(V::Bool, 1);
         put<uint8_t>(b, 255);
         return b;
       }(),
       kBad, "bool: found 255, expected 0 or 1"},
      {"string-2^60", string_of(kHuge, "abc"), kBad,
       "string: found a length of 1152921504606846976 bytes, expected at most the 3"},
      {"string-2^64-1", string_of(~uint64_t(0), "abc"), kBad, "string: found a length of 18446744073709551615"},
      {"string-one-short", string_of(4, "abc"), kBad, "string: found a length of 4 bytes, expected at most the 3"},
      {"array-u8-2^60", one_array(V::U8, kHuge), kBad, "array length: found 1152921504606846976, expected at most 0"},
      {"array-u64-2^61", one_array(V::U64, kHuge * 2), kBad,
       "array length: found 2305843009213693952, expected at most 0"},
      {"array-string-2^60", one_array(V::String, kHuge), kBad, "array length: found 1152921504606846976"},
      {"array-string-2^61", one_array(V::String, kHuge * 2), kBad, "array length: found 2305843009213693952"},
      {"array-array-2^60", one_array(V::Array, kHuge), kBad, "array length: found 1152921504606846976"},
      {"array-of-type-77", one_array(V(77), 0), kBad, "array element type: found 77"},
      {"array-5-levels", nested_arrays(5), kBad, "found more than 4 levels"},
      {"array-1000-levels", nested_arrays(1000), kBad, "found more than 4 levels"},
      {"alignment-0", aligned_to(0), kBad, "general.alignment: found 0"},
      {"alignment-4", aligned_to(4), kBad, "general.alignment: found 4"},
      {"alignment-24", aligned_to(24), kBad, "general.alignment: found 24"},
      {"alignment-128Ki", aligned_to(131072), kBad, "general.alignment: found 131072"},
      {"alignment-2^63", aligned_to(uint64_t(1) << 63), kBad, "general.alignment: found 9223372036854775808"},
      {"alignment-text", GgufWriter().add("general.alignment", "32").bytes(), kBad,
       "general.alignment: found \"32\" (string)"},
      {"split-in-memory", GgufWriter().add<uint16_t>("split.count", 2).bytes(), kBad, "of a split model"},
      {"split-no-text", GgufWriter().add("split.no", "x").bytes(), kBad,
       "split.no: found \"x\" (string), expected an integer"},
      {"split-no-beyond", GgufWriter().add<uint16_t>("split.no", 3).add<uint16_t>("split.count", 3).bytes(), kBad,
       "split.no: found 3"},
      {"split-count-negative", GgufWriter().add<int32_t>("split.count", -1).bytes(), kBad, "split.count: found -1"},
  };
}

inline std::vector<BrokenFile> broken_tensors() {
  constexpr auto kBad = ErrorCode::BadFile, kNot = ErrorCode::UnsupportedOperation;
  constexpr uint32_t kF32 = 0, kQ4_0 = 2, kQ4K = 12;
  const auto two = [](uint64_t second_offset) {
    return GgufWriter()
        .raw_tensor({"first", {16}, kF32, Bytes(64), 0})
        .raw_tensor({"second", {16}, kF32, Bytes(64), second_offset})
        .bytes();
  };
  const auto named = [](std::string name) {
    return GgufWriter().raw_tensor({std::move(name), {1}, kF32, Bytes(4)}).bytes();
  };
  return {
      {"no-dimensions", one_tensor({}, kF32, 64), kBad,
       "byte 33: tensor 1 of 1 'w': dimension count: found 0, expected 1 to 4"},
      {"five-dimensions", one_tensor({1, 1, 1, 1, 1}, kF32, 64), kBad, "dimension count: found 5, expected 1 to 4"},
      {"zero-dimension", one_tensor({4, 0, 2}, kF32, 64), kBad, "dimension 1: found 0"},
      {"product-2^64", one_tensor({uint64_t(1) << 32, uint64_t(1) << 32}, kF32, 64), kBad, "fewer than 2^58 elements"},
      {"product-wraps", one_tensor({uint64_t(1) << 63, 2, 1, 4}, kF32, 64), kBad, "fewer than 2^58 elements"},
      {"product-2^58", one_tensor({uint64_t(1) << 58}, kF32, 64), kBad, "fewer than 2^58 elements"},
      {"bytes-2^59", one_tensor({uint64_t(1) << 57}, kF32, 64), kBad,
       "found 576460752303423488 bytes of data at offset 0"},
      {"row-not-blocks", one_tensor({33, 2}, kQ4_0, 64), kBad,
       "found rows of 33 elements, expected a multiple of 32, the block length of Q4_0"},
      {"row-less-than-a-block", one_tensor({128}, kQ4K, 64), kBad,
       "found rows of 128 elements, expected a multiple of 256"},
      {"type-known", one_tensor({256}, 16, 66), kNot, "tensor 1 of 1 'w': found tensor type IQ2_XXS (16)"},
      {"type-removed", one_tensor({32}, 4, 66), kNot, "(4)"},
      {"type-unknown", one_tensor({32}, 4711, 66), kNot, "tensor type 4711, which is unknown"},
      {"type-2^32-1", one_tensor({32}, ~0u, 66), kNot, "tensor type 4294967295"},
      {"unaligned", two(68), kBad, "'second': found offset 68, expected a multiple of 32"},
      {"overlap", two(32), kBad, "found its data at byte"},
      {"same-place", two(0), kBad, "expected no overlap"},
      {"beyond-the-end", two(96), kBad,
       "'second': found 64 bytes of data at offset 96, expected them within the 128 bytes"},
      {"far-beyond-the-end", two(uint64_t(1) << 60), kBad, "found 64 bytes of data at offset 1152921504606846976"},
      {"offset-wraps", two(~uint64_t(0) - 31), kBad, "found 64 bytes of data at offset 18446744073709551584"},
      {"no-data", one_tensor({32}, kF32, 0), kBad,
       "found 128 bytes of data at offset 0, expected them within the 0 bytes"},
      {"one-byte-short", one_tensor({32}, kF32, 127), kBad, "expected them within the 127 bytes"},
      {"name-empty", named(""), kBad, "name: found 0 bytes"},
      {"name-65536", named(std::string(65536, 'n')), kBad, "name: found 65536 bytes"},
      {"name-with-controls", GgufWriter().raw_tensor({"\x07\xff", {0}, kF32, {}}).bytes(), kBad, "'\\x07\\xff'"},
      {"name-twice",
       GgufWriter()
           .tensor("w", quant::Type::F32, {8})
           .tensor("v", quant::Type::F32, {8})
           .tensor("w", quant::Type::F32, {8})
           .bytes(),
       kBad, "tensor 3 of 3 'w': found the name a second time (first at byte 24)"},
  };
}

inline std::vector<BrokenFile> broken_files() {
  std::vector<BrokenFile> all;
  for (auto part : {broken_containers(), broken_metadata(), broken_tensors()})
    std::move(part.begin(), part.end(), std::back_inserter(all));
  return all;
}

}  // namespace apr::test
