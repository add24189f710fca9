#include "base/error.h"
#include "base/printable.h"
#include "engine/engine.h"

namespace apr::engine {

tokenizer::Vocabulary vocabulary_of(const gguf::File& file) {
  const gguf::Metadata& meta = file.metadata();
  const std::string* kind = meta.string("tokenizer.ggml.model");
  if (!kind || *kind == "none")
    fail(ErrorCode::UnsupportedOperation, "{}: the file has no tokenizer, so only token ids work with it",
         shown(file.path()));
  if (*kind != "gpt2") {
    fail(ErrorCode::UnsupportedOperation,
         "tokenizer.ggml.model: tokenizer '{}' is not built; byte-level BPE ('gpt2') is", printable(*kind));
  }
  tokenizer::Vocabulary vocabulary;
  vocabulary.source = "tokenizer metadata";
  // Files from before this key was introduced carry GPT-2's own splitting.
  const std::string* pre = meta.string("tokenizer.ggml.pre");
  vocabulary.pre = pre ? *pre : "gpt-2";
  const auto* tokens = meta.strings("tokenizer.ggml.tokens");
  const auto* merges = meta.strings("tokenizer.ggml.merges");
  if (!tokens || !merges) {
    fail(ErrorCode::BadModel, "tokenizer.ggml.{}: missing; a 'gpt2' tokenizer needs its tokens and merges",
         tokens ? "merges" : "tokens");
  }
  vocabulary.tokens = *tokens;
  vocabulary.merges = *merges;
  if (const auto kinds = meta.integers("tokenizer.ggml.token_type")) {
    for (size_t i = 0; i < kinds->size(); ++i) {
      const int64_t k = (*kinds)[i];
      if (k < 1 || k > 6) fail(ErrorCode::BadModel, "tokenizer.ggml.token_type: entry {} is {}, expected 1 to 6", i, k);
      vocabulary.kinds.push_back(tokenizer::Kind(k));
    }
  }
  return vocabulary;
}

}  // namespace apr::engine
