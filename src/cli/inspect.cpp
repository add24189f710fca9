#include <algorithm>

#include "base/cpus.h"
#include "base/error.h"
#include "base/printable.h"
#include "cli/model_facts.h"
#include "cli/model_flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace apr::cli {
namespace {

double gib(uint64_t bytes) { return double(bytes) / double(1 << 30); }

class Inspect final : public Verb {
 public:
  const char* name() const override { return "inspect"; }
  const char* summary() const override { return "Show what a model file holds and what memory it needs"; }

  void declare(CLI::App& app) override {
    app.footer("Example\n  apr inspect MODEL.gguf --json");
    declare_model(app, path_);
    app.add_flag("--json", json_, "One JSON document");
  }

  int run() override {
    const gguf::File file = gguf::File::open(path_);
    const auto model = model::load(file);
    const Json facts = document(file, *model);
    if (json_) {
      print_json(facts);
    } else {
      print(text(facts));
    }
    return 0;
  }

 private:
  static Json tokenizer(const gguf::File& file) {
    const gguf::Metadata& meta = file.metadata();
    Json t = {{"model", nullptr}, {"pre", nullptr}, {"tokens", nullptr}};
    if (auto* kind = meta.string("tokenizer.ggml.model")) t["model"] = *kind;
    if (auto* pre = meta.string("tokenizer.ggml.pre")) t["pre"] = *pre;
    if (auto* tokens = meta.strings("tokenizer.ggml.tokens")) t["tokens"] = tokens->size();
    for (const char* key : {"bos_token_id", "eos_token_id", "eot_token_id", "padding_token_id"}) {
      if (auto id = meta.u64(std::string("tokenizer.ggml.") + key)) t[key] = *id;
    }
    return t;
  }

  static Json chat_template(const gguf::File& file) {
    const std::string* text = file.metadata().string("tokenizer.chat_template");
    if (!text) return nullptr;
    return {{"bytes", text->size()}, {"first_line", text->substr(0, std::min<size_t>(text->find('\n'), 80))}};
  }

  Json memory(const gguf::File& file, const model::Model& model) const {
    const model::Config& c = model.config();
    const auto kv = model::default_kv(c);
    const uint64_t scratch = model.scratch_bytes(usable_cpus(), 512, model::Rows::Last);
    Json rows = Json::array();
    std::vector<int> contexts;
    for (int context = 1024; context < c.context; context *= 4) contexts.push_back(context);
    contexts.push_back(c.context);
    for (int context : contexts) {
      const uint64_t cache = model::KvCache::bytes(c.L, c.G, c.d, context, kv);
      rows.push_back({{"context", context},
                      {"kv_bytes", cache},
                      {"scratch_bytes", scratch},
                      {"total_bytes", file.file_bytes() + cache + scratch}});
    }
    return rows;
  }

  Json document(const gguf::File& file, const model::Model& model) const {
    const model::Config& c = model.config();
    const ModelFacts facts = model_facts(file, c);
    const std::string* title = file.metadata().string("general.name");
    Json classes = Json::array();
    for (const TensorClass& k : facts.classes) {
      classes.push_back(
          {{"class", k.name}, {"type", k.type}, {"tensors", k.count}, {"parameters", k.elements}, {"bytes", k.bytes}});
    }
    return {{"path", path_},
            {"name", title ? Json(*title) : Json()},
            {"gguf_version", file.version()},
            {"parts", file.parts()},
            {"file_bytes", file.file_bytes()},
            {"architecture", c.architecture},
            {"shape",
             {{"layers", c.L},
              {"width", c.D},
              {"heads", c.H},
              {"kv_heads", c.G},
              {"head_width", c.d},
              {"vocabulary", c.V},
              {"experts", c.E},
              {"experts_used", c.K},
              {"expert_width", c.F},
              {"feed_forward", c.FF},
              {"trained_context", c.context},
              {"rope_freq_base", c.rope_theta},
              {"rms_epsilon", c.eps}}},
            {"parameters", facts.parameters},
            {"active_parameters", facts.active_parameters},
            {"active_bytes", facts.active_bytes},
            {"tensors", classes},
            {"tokenizer", tokenizer(file)},
            {"chat_template", chat_template(file)},
            {"memory", memory(file, model)}};
  }

  static std::string text(const Json& d) {
    const Json& s = d["shape"];
    auto number = [&](const char* key) { return s[key].get<double>(); };
    std::string out = fmt::format("{}\n  {}, {} ({:.2f} GiB, GGUF v{}, {} part{})\n", d["path"].get<std::string>(),
                                  d["name"].is_null() ? "unnamed" : printable(d["name"].get<std::string>()),
                                  d["architecture"].get<std::string>(), gib(d["file_bytes"]),
                                  d["gguf_version"].get<int>(), d["parts"].get<int>(), d["parts"] == 1 ? "" : "s");
    out += fmt::format("  parameters {:.2f} M, active per token {:.2f} M ({:.1f} MB read)\n",
                       d["parameters"].get<double>() / 1e6, d["active_parameters"].get<double>() / 1e6,
                       d["active_bytes"].get<double>() / 1e6);
    out += "\nshape\n";
    for (const auto& [key, value] : s.items()) {
      if (number(key.c_str()) != 0) out += fmt::format("  {:<18}{}\n", key, value.dump());
    }
    out += "\ntensors\n";
    for (const Json& k : d["tensors"]) {
      out += fmt::format("  {:<18}{:<8}{:>5} tensors {:>12.2f} M parameters {:>10.1f} MiB\n",
                         k["class"].get<std::string>(), k["type"].get<std::string>(), k["tensors"].get<int>(),
                         k["parameters"].get<double>() / 1e6, k["bytes"].get<double>() / (1 << 20));
    }
    out += "\ntokenizer\n";
    for (const auto& [key, value] : d["tokenizer"].items())
      out += fmt::format("  {:<18}{}\n", key, value.is_null() ? "none" : to_text(value));
    const Json& t = d["chat_template"];
    out += t.is_null() ? "  chat template     none\n"
                       : fmt::format("  chat template     {} bytes, begins {}\n", t["bytes"].get<size_t>(),
                                     to_text(t["first_line"]));
    out += "\nmemory by context (weights mapped or packed)\n";
    for (const Json& m : d["memory"]) {
      out += fmt::format("  {:>8} tokens   KV cache {:>8.3f} GiB   scratch {:>6.3f} GiB   with weights {:>8.2f} GiB\n",
                         m["context"].get<int>(), gib(m["kv_bytes"]), gib(m["scratch_bytes"]), gib(m["total_bytes"]));
    }
    return out;
  }

  std::string path_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_inspect() { return std::make_unique<Inspect>(); }

}  // namespace apr::cli
