#include "engine/grammar.h"

namespace apr::engine {

std::shared_ptr<const grammar::TokenTrie> text_tokens(const tokenizer::Tokenizer& tokenizer) {
  using tokenizer::Kind;
  std::vector<std::string_view> bytes(tokenizer.size());
  for (size_t id = 0; id < bytes.size(); ++id) {
    const Kind kind = tokenizer.kind(Token(id));
    if (kind == Kind::Normal || kind == Kind::UserDefined || kind == Kind::Byte) bytes[id] = tokenizer.bytes(Token(id));
  }
  return std::make_shared<grammar::TokenTrie>(bytes);
}

}  // namespace apr::engine
