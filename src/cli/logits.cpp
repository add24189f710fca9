#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "cli/model_flags.h"
#include "cli/terminal.h"
#include "cli/token_list.h"
#include "cli/verbs.h"

namespace apr::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "logits are written as they lie in memory");

/// A file that appears under its name only when it is whole.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path), partial_(path + ".partial") {
    fd_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd_ < 0) fail(ErrorCode::Io, "{}: cannot be written: {}", partial_, std::strerror(errno));
  }
  ~OutputFile() {
    if (fd_ >= 0) {
      ::close(fd_);
      ::unlink(partial_.c_str());
    }
  }
  void write(std::span<const float> row) {
    const char* from = reinterpret_cast<const char*>(row.data());
    for (size_t left = row.size_bytes(); left > 0;) {
      const ssize_t n = ::write(fd_, from, left);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(ErrorCode::Io, "{}: cannot be written: {}", partial_, std::strerror(errno));
      from += n;
      left -= size_t(n);
    }
  }
  void finish() {
    const int closed = ::close(fd_);
    fd_ = -1;
    if (closed != 0 || ::rename(partial_.c_str(), path_.c_str()) != 0) {
      const int reason = errno;
      ::unlink(partial_.c_str());
      fail(ErrorCode::Io, "{}: cannot be written: {}", path_, std::strerror(reason));
    }
  }

 private:
  std::string path_, partial_;
  int fd_;
};

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
    engine::Options options = flags_.options();
    options.rows = all_ ? model::Rows::All : model::Rows::Last;
    options.chunk = std::min<int>(options.chunk, int(std::max<size_t>(tokens.size(), 1)));
    if (options.context == 0) options.context = int(tokens.size());  // just the room they need
    engine::Engine engine(flags_.path, options);
    if (!engine.warning().empty()) note("apr: warning: " + engine.warning());
    engine::Session session(engine);
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
