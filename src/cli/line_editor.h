#pragma once
#include <memory>
#include <string>

namespace apr::cli {

/// Reads a person's lines: on a terminal with editing and a history of this run (libedit), else as they stand.
///
/// needs   catch_interrupts(), so that Ctrl-C ends the line and not the program
/// errors  Io when standard input cannot be read
class LineEditor {
 public:
  LineEditor();
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Got { Line, End, Interrupt };
  /// A line without its end, into `line`. The prompt is shown on a terminal only.
  Got read(const std::string& prompt, std::string& line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace apr::cli
