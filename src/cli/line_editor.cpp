#include "cli/line_editor.h"

#include <histedit.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "cli/terminal.h"

namespace apr::cli {
namespace {

constexpr int kHistoryLines = 1000;

const char* prompt_of(EditLine* editor) {
  void* text = nullptr;
  el_get(editor, EL_CLIENTDATA, &text);
  return static_cast<const std::string*>(text)->c_str();
}

}  // namespace

struct LineEditor::Impl {
  // On a terminal.
  EditLine* editor = nullptr;
  History* history = nullptr;
  HistEvent event{};
  std::string prompt;
  // Elsewhere: what has been read and not handed out.
  std::string waiting;
  bool at_end = false;

  void open_editor() {
    std::setlocale(LC_CTYPE, "C.UTF-8");  // else libedit takes letters beyond ASCII for single bytes
    editor = el_init("apr", stdin, stdout, stderr);
    history = history_init();
    if (!editor || !history) fail(ErrorCode::Io, "terminal: line editing cannot be set up; send lines through a pipe");
    ::history(history, &event, H_SETSIZE, kHistoryLines);
    ::history(history, &event, H_SETUNIQUE, 1);
    el_set(editor, EL_CLIENTDATA, &prompt);
    el_set(editor, EL_PROMPT, prompt_of);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, ::history, history);
    el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_source(editor, nullptr);  // the user's .editrc
  }

  Got edit(std::string& line) {
    int length = 0;
    errno = 0;
    const char* text = el_gets(editor, &length);
    if (catch_interrupts()) {
      print("\n");
      return Got::Interrupt;
    }
    if (!text || length <= 0) return Got::End;
    line.assign(text, size_t(length));
    if (line.ends_with('\n')) line.pop_back();
    if (!line.empty()) ::history(history, &event, H_ENTER, line.c_str());
    return Got::Line;
  }

  Got take(std::string& line) {
    for (size_t searched = 0;;) {
      const size_t newline = waiting.find('\n', searched);
      if (newline != std::string::npos) {
        line = waiting.substr(0, newline);
        waiting.erase(0, newline + 1);
        return Got::Line;
      }
      searched = waiting.size();
      if (at_end) {
        line.swap(waiting);
        waiting.clear();
        return line.empty() ? Got::End : Got::Line;
      }
      char buffer[1 << 12];
      const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
      if (catch_interrupts()) return Got::Interrupt;
      if (n < 0 && errno != EINTR) fail(ErrorCode::Io, "standard input: cannot be read: {}", std::strerror(errno));
      if (n == 0) at_end = true;
      if (n > 0) waiting.append(buffer, size_t(n));
    }
  }
};

LineEditor::LineEditor() : impl_(std::make_unique<Impl>()) {
  if (stdin_is_terminal() && stdout_is_terminal()) impl_->open_editor();
}

LineEditor::~LineEditor() {
  if (impl_->history) history_end(impl_->history);
  if (impl_->editor) el_end(impl_->editor);
}

LineEditor::Got LineEditor::read(const std::string& prompt, std::string& line) {
  if (!impl_->editor) return impl_->take(line);
  impl_->prompt = prompt;
  return impl_->edit(line);
}

}  // namespace apr::cli
