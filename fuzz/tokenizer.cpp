// Any bytes -> tokens -> the same bytes, for each pre-tokenizer, with special tokens and without; streams cut anywhere.
#include "tokenizer/tokenizer.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/nfc.h"
#include "tokenizer/small_vocabulary.h"
#include "tokenizer/split.h"
#include "tokenizer/utf8.h"

namespace {

using namespace apr::tokenizer;

void require(bool holds) {
  if (!holds) std::abort();
}

const std::vector<Tokenizer>& tokenizers() {
  static const std::vector<Tokenizer> all = [] {
    std::vector<Tokenizer> made;
    for (const PreTokenizer& row : pre_tokenizers()) made.emplace_back(english(std::string(row.name)));
    return made;
  }();
  return all;
}

/// The text with U+FFFD for what is not UTF-8, read in one go.
std::string repaired(std::string_view text) {
  std::string out;
  for (size_t pos = 0; pos < text.size();) {
    const Decoded at = decode_utf8(text, pos);
    append_utf8(out, at.code_point);
    pos += at.length;
  }
  return out;
}

std::string streamed(const Tokenizer& tokenizer, const std::vector<Token>& ids) {
  TextStream stream(tokenizer);
  std::string text;
  for (const Token id : ids) text += stream.push(id);
  return text + stream.finish();
}

void check_splitter(const PreTokenizer& row, std::string_view text) {
  while (!text.empty()) {
    const size_t length = row.first_piece(text);
    require(length > 0 && length <= text.size());
    text.remove_prefix(length);
  }
}

void check(const Tokenizer& tokenizer, std::string_view text) {
  const PreTokenizer& row = *find_pre_tokenizer(tokenizer.pre());
  check_splitter(row, text);
  std::string buffer;
  const std::string expected(row.nfc ? nfc(text, buffer) : text);
  const std::vector<Token> plain = tokenizer.encode(text, Special::Plain);
  require(tokenizer.decode(plain) == expected);
  for (const Token id : plain) require(tokenizer.kind(id) == Kind::Normal);
  require(streamed(tokenizer, plain) == repaired(expected));
  // Byte by byte: token b of the small vocabulary is byte b.
  std::vector<Token> bytes;
  for (const char byte : text) bytes.push_back(static_cast<uint8_t>(byte));
  require(streamed(tokenizer, bytes) == repaired(text));
  // With special tokens each piece between them is normalised alone, so only a text that needs no normalising is known.
  const std::vector<Token> parsed = tokenizer.encode(text, Special::Parse);
  if (!row.nfc) require(tokenizer.decode(parsed) == text);
  const std::string once = tokenizer.decode(parsed);
  require(tokenizer.decode(tokenizer.encode(once, Special::Parse)) == once);
  // Cut anywhere into pieces in which nothing is looked for, it is the same text.
  const size_t cut = text.size() / 3;
  const Piece pieces[] = {{text.substr(0, cut), false}, {text.substr(cut), false}};
  require(tokenizer.encode(pieces) == plain);
  const Piece special[] = {{text, true}};
  require(tokenizer.decode(tokenizer.encode(special)) == tokenizer.decode(parsed));
  // NFC itself: a fixed point, and what is not UTF-8 is untouched.
  std::string again;
  require(nfc(expected, again) == expected || !row.nfc);
  if (repaired(text) != text) require(nfc(text, again) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Tokenizer& tokenizer : tokenizers()) check(tokenizer, text);
  return 0;
}
