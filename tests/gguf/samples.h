#pragma once
#include "gguf/writer.h"

namespace apr::test {

/// A small sound file with a value of every type, arrays of every type, and tensors of several types and ranks.
inline Bytes sample_file(uint32_t version = 3) {
  GgufWriter w(version);
  w.add("general.architecture", "qwen3moe").add("text", std::string("tab\t, nul") + '\0' + "\xff");
  w.add<uint8_t>("u8", 255).add<int8_t>("i8", -128).add<uint16_t>("u16", 65535).add<int16_t>("i16", -32768);
  w.add<uint32_t>("u32", 4294967295u)
      .add<int32_t>("i32", -2147483647 - 1)
      .add<uint64_t>("u64", ~uint64_t(0))
      .add<int64_t>("i64", INT64_MIN);
  w.add<float>("f32", 1e-6f).add<double>("f64", 0.1).add<bool>("yes", true).add<bool>("no", false);
  w.add("u8s", std::vector<uint8_t>{0, 255}).add("i8s", std::vector<int8_t>{-1, 1});
  w.add("u16s", std::vector<uint16_t>{1}).add("i16s", std::vector<int16_t>{-2});
  w.add("u32s", std::vector<uint32_t>{1, 2, 3}).add("i32s", std::vector<int32_t>{-1, 0, 1});
  w.add("u64s", std::vector<uint64_t>{~uint64_t(0)}).add("i64s", std::vector<int64_t>{INT64_MIN, INT64_MAX});
  w.add("f32s", std::vector<float>{0.5f, -2}).add("f64s", std::vector<double>{0.25});
  w.add("strings", std::vector<std::string>{"one", "", "three"}).add("empty", std::vector<std::string>{});
  w.raw("bools", gguf::ValueType::Array, [] {
    Bytes out;
    put(out, uint32_t(gguf::ValueType::Bool));
    put<uint64_t>(out, 2);
    put<uint8_t>(out, 1);
    put<uint8_t>(out, 0);
    return out;
  }());
  w.raw("nested", gguf::ValueType::Array,
        GgufWriter::array_of_arrays(
            {GgufWriter::array_of(std::vector<int32_t>{1, 2}), GgufWriter::array_of(std::vector<std::string>{"a"})}));
  w.tensor("norm", quant::Type::F32, {5}, bytes_of(std::vector<float>{1, 2, 3, 4, 5}));
  w.tensor("half", quant::Type::F16, {2, 3}, bytes_of(std::vector<uint16_t>{1, 2, 3, 4, 5, 6}));
  w.tensor("blk.0.exps", quant::Type::Q8_0, {2, 3, 64}).tensor("four", quant::Type::Q4_K, {1, 2, 1, 256});
  return w.bytes();
}

}  // namespace apr::test
