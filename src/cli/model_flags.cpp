#include "cli/model_flags.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "cli/terminal.h"

namespace apr::cli {

void declare_model(CLI::App& app, std::string& path) {
  app.add_option("MODEL", path, "A GGUF file; of a split model the first part (…-00001-of-0000N.gguf)")->required();
}

void ModelFlags::declare(CLI::App& app) {
  declare_model(app, path);
  const char* group = "How the model is run";
  app.add_option("--threads", threads_, "Threads; default: as many as the cgroup quota and CPU set allow")
      ->transform(whole_number(1, 1024))
      ->group(group);
  app.add_option("--ctx", context,
                 "Tokens of context to make room for; default: what prompt and -n need, at least 4096")
      ->transform(whole_number(1, 1 << 30))
      ->group(group);
  app.add_option("--chunk", chunk_, "Tokens of prefill per pass; does not change any result")
      ->transform(whole_number(1, 1 << 16))
      ->capture_default_str()
      ->group(group);
  app.add_option(
         "--kv", kv_,
         "KV cache: q16 (int16 with scales: as exact as f16, and faster), f16, f32, q8_0 (int8 with a scale per 32: "
         "half "
         "the memory and reading, a little less exact) or auto (q16, but f32 for unquantised models, and f16 for heads "
         "that are no multiple of 32 wide)")
      ->check(CLI::IsMember({"auto", "q16", "f16", "f32", "q8_0"}))
      ->capture_default_str()
      ->group(group);
  app.add_option(
         "--isa", isa_,
         "Instruction set: amx, avx512, avxvnni, avx2 or scalar; default: the best of this CPU. Same results with each")
      ->group(group);
  app.add_option("--load", load_,
                 "Weights: mmap: use them in the file, starts at once; packed: rearrange them in memory first, which "
                 "takes seconds and makes decode faster; auto: packed when that fits and pays; read: read the "
                 "whole file into memory (for file systems without mmap). Same results with each")
      ->check(CLI::IsMember({"auto", "mmap", "packed", "read"}))
      ->capture_default_str()
      ->group(group);
}

CLI::Validator whole_number(int64_t least, uint64_t most) {
  const std::string range = fmt::format("{} to {}", least, most);
  return CLI::Validator(
      [least, most, range](std::string& text) -> std::string {
        const char* end = text.data() + text.size();
        auto read = [&](auto& value) {
          const auto [stop, error] = std::from_chars(text.data(), end, value);
          return error == std::errc() && stop == end;
        };
        int64_t below_zero = 0;
        uint64_t value = 0;
        if (read(value) && value <= most && (least <= 0 || value >= uint64_t(least))) {
          text = std::to_string(value);  // 010 is ten: the parser behind us would take it for octal
          return {};
        }
        if (read(below_zero) && below_zero < 0 && below_zero >= least) return {};
        return fmt::format("found '{}', expected a whole number from {}", text, range);
      },
      "from " + range);
}

std::string name_of(engine::Load load) {
  switch (load) {
    case engine::Load::Packed:
      return "packed";
    case engine::Load::Read:
      return "read";
    case engine::Load::Mmap:
      return "mmap";
    case engine::Load::Auto:
      break;
  }
  return "auto";
}

engine::Options ModelFlags::options() const {
  engine::Options o;
  o.threads = threads_;
  o.isa = isa_;
  o.context = context;
  o.chunk = chunk_;
  for (const auto kv : {model::KvType::Q16, model::KvType::F16, model::KvType::F32, model::KvType::Q8_0}) {
    if (kv_ == kernels::name_of(kv)) o.kv = kv;
  }
  for (const auto load : {engine::Load::Mmap, engine::Load::Packed, engine::Load::Read}) {
    if (load_ == name_of(load)) o.load = load;
  }
  o.expected_tokens = expected_tokens;
  o.packing = [bar = std::shared_ptr<Progress>()](uint64_t done, uint64_t total) mutable {
    if (interrupt_exit_code() != 0) throw Interrupted{};
    if (!bar) bar = std::make_shared<Progress>("packing the weights, MiB", size_t(total >> 20));
    bar->update(size_t(done >> 20));
    if (done == total) bar.reset();
  };
  return o;
}

}  // namespace apr::cli
