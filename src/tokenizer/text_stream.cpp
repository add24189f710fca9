#include <utility>

#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

namespace apr::tokenizer {

std::string TextStream::push(Token id) {
  std::string text = std::exchange(pending_, {});
  text += tokenizer_->bytes(id);
  std::string out;
  for (size_t pos = 0; pos < text.size();) {
    const Decoded at = decode_utf8(text, pos);
    if (at.status == Decoded::Cut) {
      pending_ = text.substr(pos);
      break;
    }
    append_utf8(out, at.code_point);
    pos += at.length;
  }
  return out;
}

std::string TextStream::finish() {
  // What waits is a proper beginning of one character, hence a single maximal subpart.
  return std::exchange(pending_, {}).empty() ? "" : "\uFFFD";
}

}  // namespace apr::tokenizer
