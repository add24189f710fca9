#include "tokenizer/byte_alphabet.h"

#include <array>

#include "tokenizer/utf8.h"

namespace apr::tokenizer {
namespace {

constexpr char32_t kFirstStandIn = 0x100;
constexpr int kStandIns = 68;

constexpr bool stands_for_itself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/// The bytes that U+0100 + i stand for.
constexpr std::array<uint8_t, kStandIns> kReplaced = [] {
  std::array<uint8_t, kStandIns> bytes{};
  int n = 0;
  for (int byte = 0; byte < 256; ++byte) {
    if (!stands_for_itself(byte)) bytes[n++] = static_cast<uint8_t>(byte);
  }
  return bytes;
}();

constexpr std::array<char32_t, 256> kCharacters = [] {
  std::array<char32_t, 256> characters{};
  for (int byte = 0; byte < 256; ++byte) characters[byte] = byte;
  for (int i = 0; i < kStandIns; ++i) characters[kReplaced[i]] = kFirstStandIn + i;
  return characters;
}();

}  // namespace

std::string to_alphabet(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(text, kCharacters[static_cast<uint8_t>(byte)]);
  return text;
}

std::optional<std::string> from_alphabet(std::string_view text) {
  std::string bytes;
  for (size_t pos = 0; pos < text.size();) {
    const Decoded at = decode_utf8(text, pos);
    const char32_t c = at.code_point;
    if (c < 256 && stands_for_itself(static_cast<int>(c))) {
      bytes.push_back(static_cast<char>(c));
    } else if (c - kFirstStandIn < kStandIns) {
      bytes.push_back(static_cast<char>(kReplaced[c - kFirstStandIn]));
    } else {
      return std::nullopt;
    }
    pos += at.length;
  }
  return bytes;
}

}  // namespace apr::tokenizer
