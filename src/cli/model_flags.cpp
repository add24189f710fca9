#include "cli/model_flags.h"

namespace apr::cli {

void declare_model(CLI::App& app, std::string& path) {
  app.add_option("MODEL", path, "A GGUF file; of a split model the first part (…-00001-of-0000N.gguf)")->required();
}

void ModelFlags::declare(CLI::App& app) {
  declare_model(app, path);
  const char* group = "How the model is run";
  app.add_option("--threads", threads_, "Threads; default: as many as the cgroup quota and CPU set allow")
      ->check(CLI::Range(1, 1024))
      ->group(group);
  app.add_option("--ctx", context,
                 "Tokens of context to make room for; default: what prompt and -n need, at least 4096")
      ->check(CLI::Range(1, 1 << 30))
      ->group(group);
  app.add_option("--chunk", chunk_, "Tokens of prefill per pass; does not change any result")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str()
      ->group(group);
  app.add_option("--kv", kv_, "KV cache: f16, f32 or auto (f16, but f32 for unquantised models)")
      ->check(CLI::IsMember({"auto", "f16", "f32"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--isa", isa_,
                 "Instruction set: avx512, avx2 or scalar; default: the best of this CPU. Same results with each")
      ->group(group);
  app.add_option("--load", load_, "mmap, or read: copy the whole file into memory (for file systems without mmap)")
      ->check(CLI::IsMember({"mmap", "read"}))
      ->capture_default_str()
      ->group(group);
}

engine::Options ModelFlags::options() const {
  engine::Options o;
  o.threads = threads_;
  o.isa = isa_;
  o.context = context;
  o.chunk = chunk_;
  if (kv_ == "f16") o.kv = model::KvType::F16;
  if (kv_ == "f32") o.kv = model::KvType::F32;
  o.access = load_ == "read" ? gguf::Access::Read : gguf::Access::Mmap;
  return o;
}

}  // namespace apr::cli
