#pragma once
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/value.h"
#include "chat/segments.h"

namespace apr::chat::jinja {

/// A template that said raise_exception(message): it does not take such a conversation.
class Refusal : public Error {
 public:
  Refusal(const std::string& sentence, std::string message)
      : Error(ErrorCode::Template, sentence), message_(std::move(message)) {}
  const std::string& message() const { return message_; }  ///< the template's own words

 private:
  std::string message_;
};

/// A Jinja template as chat templates are: Jinja2 3.1 with trim_blocks, lstrip_blocks and loop controls in an immutable
/// sandbox, tojson without HTML escapes, raise_exception and strftime_now.
///
/// What is written in the template becomes Markup; what comes from variables stays what it is there (Text, unless the
/// caller said otherwise), through all that filters and methods do to it.
///
/// trust   source and variables are untrusted. Work, depth and memory are bounded (Limits)
/// errors  Template, with line and column: what cannot be read, fails, or takes too much; Refusal. BadInput for source
///         that is too large (16 MiB)
/// threads const after construction: any thread may render
class Template {
 public:
  /// name: what messages call it, such as "tokenizer.chat_template"
  Template(std::string_view source, std::string name);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// now: what strftime_now formats
  Segments render(const Dict& variables, const std::tm& now, const Limits& limits = {}) const;
  const std::string& name() const;
  const std::string& source() const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace apr::chat::jinja
