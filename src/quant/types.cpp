#include "quant/types.h"

#include <array>

#include "quant/all.h"

namespace apr::quant {
namespace {

constexpr size_t kTypes = size_t(Type::IQ4_XS) + 1;
using DecodeBlock = void (*)(const std::byte* block, float* dst);

struct Row {
  TypeInfo info;
  DecodeBlock decode;
};

/// A block's words and halves.
template <class Q>
struct Words {
  explicit Words(const std::byte* block) {
    std::memcpy(word, block + Q::layout.words_at, sizeof word);
    if constexpr (Q::layout.half_at >= 0) {
      first = load_half(block + Q::layout.half_at);
    } else {
      first = half_to_float(uint16_t(word[Q::layout.halves_word]));
      if constexpr (Q::coding == Coding::Affine) second = half_to_float(uint16_t(word[Q::layout.halves_word] >> 16));
    }
  }
  uint32_t word[Q::layout.words];
  float first, second = 0;
};

template <class Q>
void group_scales(const Words<Q>& w, float* scale, float* min) {
  if constexpr (Q::info.block_len == 32) {
    scale[0] = w.first;
    min[0] = form_of<Q>().adds_min ? -w.second : w.second;
  } else {
    for (int g = 0; g < int(Q::info.block_len) / Q::group; ++g) {
      uint32_t bytes, min_bytes = 0;
      Q::scale_bytes(w.word, g / 4, bytes);
      if constexpr (Q::coding == Coding::Affine) Q::min_bytes(w.word, g / 4, min_bytes);
      const uint8_t byte = uint8_t(bytes >> 8 * (g % 4)), min_byte = uint8_t(min_bytes >> 8 * (g % 4));
      scale[g] = w.first * float(form_of<Q>().signed_bytes ? int(int8_t(byte)) : int(byte) - form_of<Q>().offset);
      min[g] = w.second * float(min_byte);
    }
  }
}

template <class Q>
float code_of(uint8_t byte) {
  if constexpr (Q::coding == Coding::Affine) return float(byte);
  if constexpr (Q::coding == Coding::Offset) return float(int(byte) - Q::offset);
  if constexpr (Q::coding == Coding::Signed) return float(int8_t(byte));
  if constexpr (Q::coding == Coding::Levels) return float(kIq4Levels[byte]);
}

template <class Q>
void decode_block(const std::byte* block, float* dst) {
  constexpr int n = int(Q::info.block_len);
  const Words<Q> w(block);
  float scale[n / Q::group], min[n / Q::group];
  group_scales<Q>(w, scale, min);
  for (int j = 0; j < n / 32; ++j) {
    uint32_t codes[8];
    Q::codes(w.word, j, codes);
    for (int i = 0; i < 32; ++i) {
      const int g = (32 * j + i) / Q::group;
      dst[32 * j + i] = scale[g] * code_of<Q>(uint8_t(codes[i / 4] >> 8 * (i % 4))) - min[g];
    }
  }
}

constexpr std::array<Row, kTypes> make_table() {
  std::array<Row, kTypes> rows{};
  auto put = [&](TypeInfo info, DecodeBlock decode) { rows[size_t(info.type)] = {info, decode}; };
  put({Type::F32, "F32", 0, 1, 4}, [](const std::byte* p, float* dst) { std::memcpy(dst, p, 4); });
  put({Type::F16, "F16", 1, 1, 2}, [](const std::byte* p, float* dst) { *dst = load_half(p); });
  put({Type::BF16, "BF16", 30, 1, 2}, [](const std::byte* p, float* dst) { *dst = bfloat_to_float(load_u16(p)); });
  for_each_quantised([&]<class Q>() { put(Q::info, decode_block<Q>); });
  return rows;
}
constexpr auto kTable = make_table();

constexpr auto kInfos = [] {
  std::array<TypeInfo, kTypes> infos{};
  for (size_t i = 0; i < kTypes; ++i) infos[i] = kTable[i].info;
  return infos;
}();

// Names that the GGUF specification gives to its type numbers; gaps were removed from the format.
struct Name {
  uint32_t id;
  std::string_view name;
};
constexpr Name kNames[] = {
    {0, "F32"},         {1, "F16"},         {2, "Q4_0"},        {3, "Q4_1"},      {4, "Q4_2"},     {5, "Q4_3"},
    {6, "Q5_0"},        {7, "Q5_1"},        {8, "Q8_0"},        {9, "Q8_1"},      {10, "Q2_K"},    {11, "Q3_K"},
    {12, "Q4_K"},       {13, "Q5_K"},       {14, "Q6_K"},       {15, "Q8_K"},     {16, "IQ2_XXS"}, {17, "IQ2_XS"},
    {18, "IQ3_XXS"},    {19, "IQ1_S"},      {20, "IQ4_NL"},     {21, "IQ3_S"},    {22, "IQ2_S"},   {23, "IQ4_XS"},
    {24, "I8"},         {25, "I16"},        {26, "I32"},        {27, "I64"},      {28, "F64"},     {29, "IQ1_M"},
    {30, "BF16"},       {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},   {33, "Q4_0_8_8"}, {34, "TQ1_0"},   {35, "TQ2_0"},
    {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}, {39, "MXFP4"},
};

}  // namespace

std::span<const TypeInfo> all_types() { return kInfos; }

const TypeInfo& info(Type type) { return kInfos[size_t(type)]; }

const TypeInfo* find(uint32_t gguf_id) {
  for (const TypeInfo& t : kInfos) {
    if (t.gguf_id == gguf_id) return &t;
  }
  return nullptr;
}

std::string_view gguf_type_name(uint32_t gguf_id) {
  for (const Name& n : kNames) {
    if (n.id == gguf_id) return n.name;
  }
  return {};
}

void decode(Type type, const std::byte* src, size_t n, float* dst) {
  const Row& row = kTable[size_t(type)];
  for (size_t i = 0; i < n; i += row.info.block_len) {
    row.decode(src, dst + i);
    src += row.info.block_bytes;
  }
}

}  // namespace apr::quant
