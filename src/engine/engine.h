#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace apr::engine {

using tokenizer::Token;

/// How a model is opened. Zero or empty means: let apr decide.
struct Options {
  int threads = 0;                               ///< 0 = what the cgroup quota and cpuset allow
  std::string isa;                               ///< "scalar", "avx2", "avx512"; "" = best this CPU has
  int context = 0;                               ///< tokens of KV cache; 0 = min(trained context, 4096)
  int chunk = 512;                               ///< tokens of prefill per forward pass
  std::optional<model::KvType> kv;               ///< nullopt = F16, or F32 for full-precision files
  gguf::Access access = gguf::Access::Mmap;
};

/// What a model will take, before anything is allocated. Bytes.
struct MemoryEstimate {
  uint64_t weights = 0;  ///< file mapping (shared, reclaimable) or, with Access::Read, heap
  uint64_t kv = 0;
  uint64_t scratch = 0;
  uint64_t total() const { return weights + kv + scratch; }
};

/// A model ready to run: file, binding, tokenizer, kernels, threads.
///
/// errors  those of gguf::File, model::load and Tokenizer; Memory when the estimate exceeds what the machine has free;
///         UnsupportedOperation for an ISA this CPU lacks; Usage for numbers out of range
/// threads one caller at a time
class Engine {
 public:
  Engine(const std::filesystem::path& path, Options options);
  ~Engine();
  const gguf::File& file() const;
  const model::Model& model() const;
  const model::Config& config() const;
  bool has_tokenizer() const;
  const tokenizer::Tokenizer& tokenizer() const;  ///< throws UnsupportedOperation with the reason when the file has none
  const Options& options() const;                 ///< with every choice made
  std::string_view isa() const;
  int threads() const;
  MemoryEstimate memory() const;
  /// Tokens that end an answer: eos, eot and the usual end-of-turn tokens the vocabulary holds.
  const std::vector<Token>& stop_tokens() const;
  /// Token put before every prompt when the file asks for it (add_bos_token), or -1.
  Token bos() const;

 private:
  friend class Session;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

MemoryEstimate estimate_memory(const gguf::File& file, const model::Model& model, int context, int chunk, model::KvType kv);

/// One conversation's place in the model: its tokens and KV cache.
class Session {
 public:
  explicit Session(Engine& engine);
  /// Runs tokens through the model in chunks and returns the logits [V] after the last one. Valid until the next call.
  /// errors Context when they do not fit (sizes and what to do in the sentence), BadInput for an id outside the vocabulary; nothing is changed then
  /// progress is called with tokens done after each chunk; returning false stops early (the result is then empty)
  std::span<const float> extend(std::span<const Token> tokens, const std::function<bool(size_t)>& progress = {});
  /// Like extend, and hands over the logits of every position, in order.
  void extend_all(std::span<const Token> tokens, const std::function<void(size_t position, std::span<const float> logits)>& row);
  const std::vector<Token>& tokens() const { return tokens_; }
  int room() const;
  void truncate(size_t tokens);

 private:
  void check(std::span<const Token> tokens) const;
  Engine& engine_;
  model::KvCache kv_;
  std::vector<Token> tokens_;
};

/// Reads the vocabulary out of a file's metadata (tokenizer.ggml.*).
/// errors UnsupportedOperation (no tokenizer, or another model than "gpt2": named), BadModel
tokenizer::Vocabulary vocabulary_of(const gguf::File& file);

}  // namespace apr::engine
