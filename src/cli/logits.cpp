#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/error.h"
#include "cli/model_flags.h"
#include "cli/terminal.h"
#include "cli/token_list.h"
#include "cli/verbs.h"

namespace apr::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "logits are written as they lie in memory");

/// Where the rows go: a file that appears under its name only when it is whole, with the rights of the one that it
/// replaces; or, where the name is a pipe or a device, that itself.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : shown_(path) {
    struct stat info {};
    const bool exists = ::stat(path.c_str(), &info) == 0;
    if (exists && !S_ISREG(info.st_mode)) {
      fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      if (fd_ < 0) refuse(errno);
      return;
    }
    // A link stays a link: what it leads to is replaced.
    target_ = exists ? std::filesystem::canonical(path).string() : path;
    partial_ = target_ + ".partial-" + std::to_string(::getpid());
    fd_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0) {
      const int reason = errno;
      partial_.clear();
      refuse(reason);
    }
    if (exists) ::fchmod(fd_, info.st_mode & 07777);
  }
  ~OutputFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!partial_.empty()) ::unlink(partial_.c_str());
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const float> row) {
    const char* from = reinterpret_cast<const char*>(row.data());
    for (size_t left = row.size_bytes(); left > 0;) {
      const ssize_t n = ::write(fd_, from, left);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) refuse(errno);
      from += n;
      left -= size_t(n);
    }
  }
  void finish() {
    const int closed = ::close(fd_);
    fd_ = -1;
    if (closed != 0) refuse(errno);
    if (partial_.empty()) return;
    if (::rename(partial_.c_str(), target_.c_str()) != 0) refuse(errno);
    partial_.clear();
  }

 private:
  [[noreturn]] void refuse(int reason) const {
    fail(ErrorCode::Io, "--out {}: cannot be written: {}; check the path, its permissions and the space left", shown_,
         std::strerror(reason));
  }
  std::string shown_, target_, partial_;  ///< partial_: empty once there is nothing to clean up
  int fd_ = -1;
};

/// Whether both names lead to one file, so that writing the one would destroy the other.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code unreadable;
  return std::filesystem::equivalent(a, b, unreadable);
}

class Logits final : public Verb {
 public:
  const char* name() const override { return "logits"; }
  const char* summary() const override { return "Write the logits of token ids as raw float32, for parity checks"; }

  void declare(CLI::App& app) override {
    app.footer(
        "The file holds little-endian float32 rows of one number per vocabulary entry: the last position, or all with "
        "--all.\n\n"
        "Example\n  apr logits MODEL.gguf --tokens 9707,11,1879 --all --out logits.f32");
    flags_.declare(app);
    app.add_option("--tokens", tokens_, "Token ids, separated by commas or spaces; @FILE reads them from a file")
        ->required();
    app.add_flag("--all", all_, "Every position, not only the last");
    app.add_option("--out", out_, "File to write")->required();
  }

  int run() override {
    const std::vector<engine::Token> tokens =
        parse_tokens(!tokens_.empty() && tokens_[0] == '@' ? read_file(tokens_.substr(1)) : tokens_, "--tokens");
    if (same_file(out_, flags_.path))
      fail(ErrorCode::Usage, "--out {}: this is the model itself; name another file", out_);
    engine::Options options = flags_.options();
    options.rows = all_ ? model::Rows::All : model::Rows::Last;
    options.chunk = std::min<int>(options.chunk, int(std::max<size_t>(tokens.size(), 1)));
    options.expected_tokens = (tokens.size() + size_t(options.chunk) - 1) / size_t(options.chunk);  // passes
    if (options.context == 0) options.context = int(tokens.size());  // just the room they need
    engine::Engine engine(flags_.path, options);
    engine::Session session(engine);
    if (!engine.warning().empty()) note("apr: warning: " + engine.warning());
    OutputFile file(out_);
    Progress progress("logits", tokens.size());
    if (all_) {
      session.extend_all(tokens, [&](size_t position, std::span<const float> row) {
        file.write(row);
        progress.update(position + 1);
      });
    } else {
      file.write(session.extend(tokens, [&](size_t done) {
        progress.update(done);
        return true;
      }));
    }
    file.finish();
    return 0;
  }

 private:
  ModelFlags flags_;
  std::string tokens_, out_;
  bool all_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_logits() { return std::make_unique<Logits>(); }

}  // namespace apr::cli
