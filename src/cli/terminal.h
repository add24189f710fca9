#pragma once
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace apr::cli {

using Json = nlohmann::ordered_json;

/// Thrown when whoever read our output has gone; main ends quietly.
struct OutputClosed {};

/// Ctrl-C or SIGTERM came before there was anything to keep; see interrupt_exit_code().
struct Interrupted {};

/// Writes to standard output at once. errors: Io when it cannot be written, OutputClosed when the reader has gone
void print(std::string_view text);
/// One JSON document and a newline. Text that is not UTF-8 gets U+FFFD where it is broken.
void print_json(const Json& document);
std::string to_text(const Json& document, int indent = -1);
/// The document that every verb prints in place of its own when it fails and JSON was asked for.
Json error_document(std::string_view code, int exit_code, std::string_view message);

bool stdout_is_terminal();
bool stderr_is_terminal();
bool stdin_is_terminal();
/// Something waits in a pipe or file on standard input.
bool stdin_has_data();
/// One line on standard error, after clearing a progress bar that may stand there.
void note(std::string_view line);

/// All of standard input. errors: Io
std::string read_stdin();
/// All of a file. errors: Io
std::string read_file(const std::string& path);

/// Ctrl-C and SIGTERM set a flag instead of ending the program; a second one ends it at once.
const std::atomic<bool>& catch_interrupts();
/// 130 or 143 after a caught signal, else 0.
int interrupt_exit_code();

/// A bar on standard error: only on a terminal, and only once the work has lasted a second.
class Progress {
 public:
  Progress(std::string label, size_t total);
  ~Progress();
  void update(size_t done);

 private:
  std::string label_;
  size_t total_;
  std::chrono::steady_clock::time_point start_;
  bool shown_ = false;
};

}  // namespace apr::cli
