#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace apr {

/// What went wrong, as a closed list. The number is the exit code of the program (README, "Exit codes").
enum class ErrorCode : int {
  Internal = 1,              ///< a bug in apr; no input should reach it
  Usage = 2,                 ///< the command line or a request cannot be understood
  Io = 3,                    ///< a file cannot be opened, read or written
  BadFile = 4,               ///< a file is not what it claims to be (damaged, cut short, wrong type)
  UnsupportedOperation = 5,  ///< understood, but not built: architecture, tensor type, tokenizer, instruction set
  BadModel = 6,              ///< a sound GGUF whose metadata and tensors do not make a model
  Context = 7,               ///< prompt or generation does not fit the context
  Memory = 8,                ///< the estimate says it does not fit the memory
  BadInput = 9,              ///< text, token ids or JSON given by the user are wrong
  Template = 10,             ///< a chat template cannot be read, fails, or refuses the conversation
};

/// The name of a code as JSON errors carry it, such as "BadFile".
std::string_view name_of(ErrorCode code);

/// All that a file, a user or the network can cause.
///
/// what()  one sentence: what, where, found, expected, and what to do; no newline at the end
/// errors  thrown at load, parse or request time only; never inside a forward pass
/// threads immutable after construction
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

/// Throws Error(code) with a formatted sentence.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace apr
