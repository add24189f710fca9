#pragma once
#include <string>

#include "chat/prompt.h"
#include "gguf/file.h"

namespace apr::cli {

/// A model's chat template with the texts of its tokens.
struct ModelTemplate {
  chat::jinja::Template chat_template;
  std::string bos, eos;
  bool own;  ///< the file's, not ChatML in its place

  /// With the tokens and the time now.
  chat::Setting setting() const;
};

/// The template in a file's metadata. Where it has none: ChatML, if `usual`, else UnsupportedOperation.
/// errors  Template
ModelTemplate template_of(const gguf::File& file, bool usual);
/// errors  Template
ModelTemplate template_of_text(const std::string& source, const std::string& name);

}  // namespace apr::cli
