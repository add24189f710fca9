#include "cli/model_template.h"

#include "base/error.h"
#include "base/printable.h"

namespace apr::cli {
namespace {

std::string token_text(const gguf::File& file, const char* key) {
  const auto id = file.metadata().u64(key);
  const auto* tokens = file.metadata().strings("tokenizer.ggml.tokens");
  return id && tokens && size_t(*id) < tokens->size() ? (*tokens)[size_t(*id)] : "";
}

}  // namespace

chat::Setting ModelTemplate::setting() const {
  chat::Setting setting;
  setting.bos_token = bos;
  setting.eos_token = eos;
  setting.now = chat::local_time();
  return setting;
}

ModelTemplate template_of(const gguf::File& file, bool usual) {
  const std::string* source = file.metadata().string("tokenizer.chat_template");
  if (!source && !usual) {
    fail(ErrorCode::UnsupportedOperation,
         "{}: the file has no chat template (tokenizer.chat_template); give one with --template", shown(file.path()));
  }
  return {source ? chat::jinja::Template(*source, "tokenizer.chat_template")
                 : chat::jinja::Template(chat::kChatMl, "ChatML"),
          token_text(file, "tokenizer.ggml.bos_token_id"), token_text(file, "tokenizer.ggml.eos_token_id"),
          source != nullptr};
}

ModelTemplate template_of_text(const std::string& source, const std::string& name) {
  return {chat::jinja::Template(source, printable(name)), "", "", true};
}

}  // namespace apr::cli
