#include "engine/breakers.h"

#include <algorithm>

#include "base/error.h"
#include "base/printable.h"
#include "sampling/mask.h"

namespace apr::engine {

std::vector<uint64_t> breakers_of(const Engine& engine, std::span<const std::string> texts) {
  const tokenizer::Tokenizer& tokenizer = engine.tokenizer();
  const size_t V = size_t(engine.config().V);
  const Token n = Token(std::min(V, tokenizer.size()));
  std::vector<uint64_t> set(sampling::mask_words(V));
  for (const std::string& text : texts) {
    if (text.empty()) fail(ErrorCode::Usage, "DRY breaker: found an empty one, expected text");
    bool found = false;
    for (Token id = 0; id < n; ++id) {
      if (tokenizer.bytes(id).find(text) == std::string_view::npos) continue;
      sampling::set(set, id, found = true);
    }
    if (!found) {
      fail(ErrorCode::Usage,
           "DRY breaker: '{}' stands in no token of this vocabulary, so it would break nothing; give a shorter one",
           printable(text));
    }
  }
  for (Token id = 0; id < n; ++id) {
    if (tokenizer.kind(id) == tokenizer::Kind::Control) sampling::set(set, id, true);
  }
  return set;
}

}  // namespace apr::engine
