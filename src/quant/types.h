#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace apr::quant {

/// The tensor types apr computes with. Order is that of kTypes.
enum class Type : uint8_t {
  F32,
  F16,
  BF16,
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q8_0,
  Q2_K,
  Q3_K,
  Q4_K,
  Q5_K,
  Q6_K,
  IQ4_NL,
  IQ4_XS
};

/// One row of the table of types: how a GGUF tensor of this type is laid out.
struct TypeInfo {
  Type type;
  std::string_view name;  ///< as GGUF tools print it: "Q4_K"
  uint32_t gguf_id;       ///< ggml_type number in the tensor directory (GGUF spec)
  uint32_t block_len;     ///< elements of a row in one block; rows are whole blocks
  uint32_t block_bytes;   ///< bytes of one block
  bool quantised() const { return block_len > 1; }
  /// Bytes of a row. needs: n % block_len == 0 and n < 2^58 (no overflow).
  uint64_t row_bytes(uint64_t n) const { return n / block_len * block_bytes; }
};

/// Every supported type, in enum order.
std::span<const TypeInfo> all_types();

/// The row of a type.
const TypeInfo& info(Type type);

/// The supported type with this GGUF id, or nullptr.
const TypeInfo* find(uint32_t gguf_id);

/// The name of any GGUF type id that the specification lists, supported or not ("IQ2_XXS"); empty when unknown.
std::string_view gguf_type_name(uint32_t gguf_id);

/// Decodes n stored elements to f32: scale and min are exact, and weight = scale * code - min is rounded where a type
/// has both.
///
/// shape   src: n / block_len blocks, any alignment · dst [n]
/// needs   n % block_len == 0
/// errors  none
/// threads pure
/// source  block layouts: quant/NAME.h
void decode(Type type, const std::byte* src, size_t n, float* dst);

}  // namespace apr::quant
