#include "cli/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace apr::cli {
namespace {

std::atomic<bool> interrupted{false};
std::atomic<int> signal_number{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "set from a signal handler");

void on_signal(int number) {
  signal_number = number;
  interrupted = true;
  ::signal(SIGINT, SIG_DFL);  // the second one, whichever it is, ends the program
  ::signal(SIGTERM, SIG_DFL);
}

std::string read_all(int fd, const std::string& name) {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (interrupted) throw Interrupted{};
    if (n == 0) return text;
    if (n > 0) {
      text.append(buffer, size_t(n));
    } else if (errno != EINTR) {
      fail(ErrorCode::Io, "{}: cannot be read: {}", name, std::strerror(errno));
    }
  }
}

}  // namespace

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(size_t(n));
    } else if (errno == EPIPE) {
      throw OutputClosed{};
    } else if (errno != EINTR) {
      fail(ErrorCode::Io, "standard output: cannot be written: {}", std::strerror(errno));
    }
  }
}

std::string to_text(const Json& document, int indent) {
  return document.dump(indent, ' ', false, Json::error_handler_t::replace);
}
void print_json(const Json& document) { print(to_text(document, 2) + "\n"); }

Json error_document(std::string_view code, int exit_code, std::string_view message) {
  return {{"error", {{"code", code}, {"exit_code", exit_code}, {"message", message}}}};
}

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }
bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

bool stdin_has_data() {
  int waiting = 0;
  return !stdin_is_terminal() && ::ioctl(STDIN_FILENO, FIONREAD, &waiting) == 0 && waiting > 0;
}

void note(std::string_view line) {
  if (stderr_is_terminal()) std::fputs("\r\033[K", stderr);
  std::fprintf(stderr, "%.*s\n", int(line.size()), line.data());
}

std::string read_stdin() { return read_all(STDIN_FILENO, "standard input"); }

std::string read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(ErrorCode::Io, "{}: cannot be opened: {}", path, std::strerror(errno));
  try {
    std::string text = read_all(fd, path);
    ::close(fd);
    return text;
  } catch (...) {
    ::close(fd);
    throw;
  }
}

const std::atomic<bool>& catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return interrupted;
}

int interrupt_exit_code() { return interrupted ? 128 + signal_number : 0; }

Progress::Progress(std::string label, size_t total)
    : label_(std::move(label)), total_(total), start_(std::chrono::steady_clock::now()) {}

void Progress::update(size_t done) {
  if (!stderr_is_terminal() || total_ == 0) return;
  if (!shown_ && std::chrono::steady_clock::now() - start_ < std::chrono::seconds(1)) return;
  shown_ = true;
  constexpr size_t width = 30;
  const size_t filled = width * done / total_;
  std::fprintf(stderr, "\r%s [%s%s] %zu/%zu\033[K", label_.c_str(), std::string(filled, '#').c_str(),
               std::string(width - filled, '.').c_str(), done, total_);
  std::fflush(stderr);
}

Progress::~Progress() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

}  // namespace apr::cli
