#include <fmt/ranges.h>

#include "base/printable.h"
#include "cli/model_flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace apr::cli {
namespace {

class Tensors final : public Verb {
 public:
  const char* name() const override { return "tensors"; }
  const char* summary() const override { return "List the tensors of a model file"; }

  void declare(CLI::App& app) override {
    app.footer(
        "Shapes are [outer, inner]: rows, then columns. Any architecture is listed, also one that apr cannot run.\n\n"
        "Example\n  apr tensors MODEL.gguf | grep blk.0.");
    declare_model(app, path_);
    app.add_flag("--json", json_, "One JSON document");
  }

  int run() override {
    const gguf::File file = gguf::File::open(path_);
    Json rows = Json::array();
    std::string text;
    for (const gguf::Tensor& t : file.tensors()) {
      const std::string_view type = quant::info(t.type).name;
      if (json_) {
        rows.push_back(
            {{"name", t.name}, {"type", type}, {"shape", t.shape}, {"bytes", t.data.size()}, {"offset", t.offset}});
      } else {
        text += fmt::format("{:<36}{:<8}{:<22}{:>12} bytes at {}\n", printable(t.name), type,
                            fmt::format("[{}]", fmt::join(t.shape, ", ")), t.data.size(), t.offset);
      }
    }
    if (json_) {
      print_json({{"path", path_}, {"tensors", rows}});
    } else {
      print(text);
    }
    return 0;
  }

 private:
  std::string path_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_tensors() { return std::make_unique<Tensors>(); }

}  // namespace apr::cli
