#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/draft_policy.h"
#include "gguf/file.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace apr::engine {

using tokenizer::Token;

/// How weights come from the file.
enum class Load {
  Auto,    ///< Packed, when it fits into memory and pays for the tokens expected; else Mmap
  Mmap,    ///< used where the file is mapped: starts at once, and the system may take the memory back
  Packed,  ///< quantised matrices are rearranged into memory of our own: seconds to start, then faster
  Read,    ///< the whole file is read into memory as it is: for file systems without mmap
};

/// How a model is opened. Zero or empty means: let apr decide.
struct Options {
  int threads = 0;                       ///< 0 = what the cgroup quota and cpuset allow
  std::string isa = {};                  ///< "scalar", "avx2", "avxvnni", "avx512", "amx"; "" = the best this CPU has
  int context = 0;                       ///< tokens of KV cache; 0 = the trained context, at most 4096
  int chunk = 512;                       ///< tokens of prefill per forward pass
  int sequences = 1;                     ///< sessions at a time: their KV memory and common passes are planned for
  std::optional<model::KvType> kv = {};  ///< nullopt = model::default_kv
  Load load = Load::Auto;
  uint64_t expected_tokens = 0;  ///< that will be decoded one by one before the engine goes; 0 = many
  std::function<void(uint64_t done, uint64_t total)> packing =
      {};                                ///< told while packing, in bytes; may throw to give up
  model::Rows rows = model::Rows::Last;  ///< All: extend_all() will be used, so its scratch is planned for
  std::function<double()> clock = {};    ///< ms since any start; empty = the machine's steady clock
};

/// What a model takes, known before anything is allocated. Bytes.
struct MemoryEstimate {
  uint64_t weights = 0;  ///< the file: mapped (page cache, which the system can take back) or read; packed: what is
                         ///< used from it nevertheless
  uint64_t packed = 0;   ///< packed weights; 0 when there are none
  uint64_t kv = 0;       ///< of all sessions planned for
  uint64_t scratch = 0;
};

/// needs: options with every choice made
MemoryEstimate estimate_memory(const gguf::File& file, const model::Model& model, const Options& options);

class Session;
struct Step;

/// A model ready to run: file, binding, weights, tokenizer, kernels, threads. The weights are brought into memory when
/// the first session is made: until then the context can be raised to what a prompt needs.
///
/// errors  those of gguf::File, model::load and Tokenizer; Memory when the estimate exceeds what the machine has free;
///         Context above the trained context; UnsupportedOperation for an instruction set this CPU lacks, or a KV cache
///         that cannot hold heads of the model's width; Usage for numbers out of range
/// threads one caller at a time, the one that made it
class Engine {
 public:
  Engine(const std::filesystem::path& path, Options options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const gguf::File& file() const;
  const model::Model& model() const;
  const model::Config& config() const { return model().config(); }
  bool has_tokenizer() const;
  const tokenizer::Tokenizer& tokenizer()
      const;                       ///< throws UnsupportedOperation with the reason when the file has none
  const Options& options() const;  ///< with every choice made
  std::string_view isa() const;
  /// Raises the context of sessions made from now on, if it is below `tokens`. errors: Context, Memory
  void make_room(size_t tokens);
  const MemoryEstimate& memory() const;
  /// Why Load::Auto chose as it did when the first session was made, for people; empty when nothing was to be chosen.
  const std::string& load_reason() const;
  /// Something the user should know about speed ("the weights exceed this machine's memory …"), or empty.
  const std::string& warning() const;
  /// Tokens that one extend_together() takes at most: a chunk, or one for each of Options::sequences.
  size_t tokens_per_pass() const;
  /// Tokens that end an answer: those the file names, and the usual end-of-turn control tokens that its vocabulary
  /// holds.
  const std::vector<Token>& stop_tokens() const;
  /// The token put before every prompt when the file asks for one, or -1.
  Token bos() const;
  double now_ms() const;    ///< Options::clock
  PassCosts& pass_costs();  ///< what was measured of this model on this machine, for all who verify guesses

  // For measuring.
  ThreadPool& pool();
  std::span<const std::byte> packed_memory() const;  ///< empty until weights are packed
  void observe(kernels::Observer* observer);         ///< of all passes from now on; null: nobody

 private:
  friend class Session;
  friend kernels::Mat extend_together(std::span<const Step> steps, const std::atomic<bool>* stop);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One conversation's place in the model: its tokens and their KV cache.
///
/// needs   an Engine that outlives it
/// threads one caller at a time; sessions of one engine take turns
class Session {
 public:
  /// errors  Memory; what Options::packing throws
  explicit Session(Engine& engine);

  /// Runs tokens through the model in chunks. Returns the logits [V] after the last one, valid until the next call on
  /// any session. progress(tokens done) is called after each chunk; if it returns false the rest is left out and the
  /// result is empty. errors Context when they do not fit, BadInput for an empty list or an id outside the vocabulary;
  /// nothing has changed then
  std::span<const float> extend(std::span<const Token> tokens, const std::function<bool(size_t)>& progress = {});

  /// The same, handing over the logits of every position in order; ends early when it is stopped. needs: Options::rows
  /// = All
  void extend_all(std::span<const Token> tokens,
                  const std::function<void(size_t position, std::span<const float> logits)>& row);

  static constexpr int kFew = PassCosts::kMost;
  /// Runs at most kFew tokens through the model in one pass. Returns the logits [T, V] after each of them, valid until
  /// the next call on any session; empty, and nothing has changed, when it is stopped. errors: those of extend()
  kernels::Mat extend_few(std::span<const Token> tokens);

  /// While *flag is true, extend() gives up between two layers: its result is empty, and the chunk it was in is left
  /// out. null: never. The flag may be set by another thread or a signal handler, and must outlive the session.
  void stop_when(const std::atomic<bool>* flag) { stop_ = flag; }

  const std::vector<Token>& tokens() const { return tokens_; }
  int room() const { return kv_.room(); }
  void truncate(size_t tokens);  ///< forgets all after the first `tokens`

 private:
  friend kernels::Mat extend_together(std::span<const Step> steps, const std::atomic<bool>* stop);
  kernels::Mat step(std::span<const Token> chunk, model::Rows rows);
  void check(std::span<const Token> tokens) const;
  Engine& engine_;
  model::KvCache kv_;
  std::vector<Token> tokens_;
  const std::atomic<bool>* stop_ = nullptr;
};

/// What one session gets of a pass that several share.
struct Step {
  Session* session;
  std::span<const Token> tokens;  ///< one to decode, more to prefill
};

/// Extends several sessions in one forward pass, which reads each weight once for all of them. A session's logits are
/// the same bits as if it went alone.
///
/// shape   result [steps, V]: the logits after each one's last token, valid until the next call on any session; empty,
///         and all sessions as they were, once *stop is true
/// needs   sessions of one engine, none of them twice
/// errors  those of Session::extend for each; Usage for no step at all, for more than Options::sequences, or for more
///         than Engine::tokens_per_pass() tokens in all; nothing has changed then
/// threads as Session
kernels::Mat extend_together(std::span<const Step> steps, const std::atomic<bool>* stop = nullptr);

/// Reads the vocabulary out of a file's metadata (tokenizer.ggml.*).
/// errors UnsupportedOperation (no tokenizer, or another model than "gpt2": named), BadModel
tokenizer::Vocabulary vocabulary_of(const gguf::File& file);

}  // namespace apr::engine
