#include "engine/engine.h"

#include <algorithm>
#include <chrono>

#include "base/cpus.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/printable.h"
#include "engine/packed_weights.h"
#include "kernels/dispatch.h"

namespace apr::engine {
namespace {

constexpr int kDefaultContext = 4096;
constexpr int kMostThreads = 1024, kMostChunk = 1 << 16, kMostSequences = 1 << 10;

/// End-of-turn tokens of the families that load; a file often names only one of those that its models use.
constexpr const char* kStopTexts[] = {"<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"};
constexpr const char* kStopKeys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                     "tokenizer.ggml.eom_token_id"};

double gib(uint64_t bytes) { return double(bytes) / double(1u << 30); }

double steady_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void in_range(int value, int least, int most, const char* name) {
  if (value < least || value > most)
    fail(ErrorCode::Usage, "{}: found {}, expected {} to {}", name, value, least, most);
}

}  // namespace

struct Engine::Impl {
  Impl(const std::filesystem::path& path, Options wanted)
      : options(std::move(wanted)),
        kernels_exist(kernels::choose_kernels(options.isa).name),
        file(gguf::File::open(path, options.load == Load::Read ? gguf::Access::Read : gguf::Access::Mmap)) {
    naming_file([&] {
      model = model::load(file, plan);
      read_tokenizer();
    });
    settle_options();
    memory = estimate_memory(file, *model, options);
    if (options.load == Load::Packed && plan.packable_bytes() == 0) {
      fail(ErrorCode::UnsupportedOperation,
           "packed weights: {} has no quantised matrix, so there is nothing to pack; use --load mmap",
           shown(file.path()));
    }
    check_memory();
    pool = std::make_unique<ThreadPool>(options.threads);
    op = std::make_unique<kernels::Ops>(*pool, options.isa);
  }

  /// Brings the weights to where they are used. Only now is it known how much context they have to share memory with.
  void start() {
    if (started) return;
    settle_load();
    check_memory();
    if (options.load == Load::Packed) pack();
    op->reserve(memory.scratch);
    started = true;
  }

  /// Puts the file's name before what is wrong with its model or tokenizer.
  template <class Body>
  void naming_file(Body body) {
    try {
      body();
    } catch (const Error& e) {
      const std::string name = shown(file.path());
      if (std::string_view(e.what()).starts_with(name + ":")) throw;
      throw Error(e.code(), name + ": " + e.what());
    }
  }

  void settle_options() {
    if (options.threads == 0) options.threads = usable_cpus();
    in_range(options.threads, 1, kMostThreads, "threads");
    in_range(options.chunk, 1, kMostChunk, "chunk");
    in_range(options.sequences, 1, kMostSequences, "sequences");
    const model::Config& c = model->config();
    if (options.context == 0) options.context = std::min(c.context, kDefaultContext);
    if (options.context < 1) fail(ErrorCode::Usage, "context: found {}, expected a number of tokens", options.context);
    check_context(size_t(options.context));
    options.chunk = std::min(options.chunk, options.context);
    options.isa = kernels_exist;
    if (!options.clock) options.clock = steady_ms;
    if (!options.kv) options.kv = model::default_kv(c);
    if (!kernels::kv_fits(*options.kv, c.d)) {
      fail(ErrorCode::UnsupportedOperation,
           "KV cache: {} keeps whole groups of {} numbers, but this model's heads are {} wide; use f16 (--kv f16)",
           kernels::name_of(*options.kv), kernels::kKvGroup, c.d);
    }
  }

  void check_context(size_t tokens) const {
    if (tokens > size_t(model->config().context)) {
      fail(ErrorCode::Context,
           "context: {} tokens are asked for, but the model was trained for {}; ask for at most that", tokens,
           model->config().context);
    }
  }

  void read_tokenizer() {
    try {
      tokenizer.emplace(vocabulary_of(file));
    } catch (const Error& e) {
      if (e.code() != ErrorCode::UnsupportedOperation) throw;
      no_tokenizer = e.what();  // token ids still work
      return;
    }
    const gguf::Metadata& meta = file.metadata();
    if (tokenizer->size() > size_t(model->config().V)) {
      fail(ErrorCode::BadModel, "tokenizer.ggml.tokens: {} tokens, but token_embd.weight has rows for {} only",
           tokenizer->size(), model->config().V);
    }
    auto add_stop = [&](int64_t id) {
      if (tokenizer->valid(Token(id)) && std::find(stops.begin(), stops.end(), Token(id)) == stops.end())
        stops.push_back(Token(id));
    };
    for (const char* key : kStopKeys) {
      if (auto id = meta.u64(key)) add_stop(checked_id(key, *id));
    }
    for (const char* text : kStopTexts) {
      const Token id = tokenizer->find_special(text);
      if (id >= 0 && tokenizer->kind(id) == tokenizer::Kind::Control) add_stop(id);
    }
    // Llama files from before the key existed expect a BOS; the others ask for one by the key.
    const bool wants_bos =
        meta.boolean("tokenizer.ggml.add_bos_token").value_or(model->config().architecture == "llama");
    if (auto id = meta.u64("tokenizer.ggml.bos_token_id"); id && wants_bos)
      bos = checked_id("tokenizer.ggml.bos_token_id", *id);
  }

  Token checked_id(const char* key, uint64_t id) const {
    if (id >= tokenizer->size())
      fail(ErrorCode::BadModel, "{}: token {} is not in the vocabulary of {}", key, id, tokenizer->size());
    return Token(id);
  }

  /// Packing a byte takes as long as about 20 tokens are then faster by, for each of the bytes that they read
  /// (docs/PERFORMANCE.md).
  bool packing_pays() const {
    constexpr uint64_t kTokens = 20;
    if (options.expected_tokens == 0) return true;
    const uint64_t per_token = std::max<uint64_t>(1, plan.bytes_per_token(model->config().E, model->config().K));
    return options.expected_tokens >= kTokens * plan.packable_bytes() / per_token;
  }

  void settle_load() {
    if (options.load == Load::Auto) {
      const uint64_t all = saturating_sum({plan.packed_bytes(), plan.other_bytes(), memory.kv, memory.scratch}),
                     available = available_memory();
      options.load = Load::Mmap;
      if (plan.packable_bytes() == 0) {
        load_reason = "no quantised matrix to pack";
      } else if (all > available) {
        load_reason = fmt::format("packed they need {:.2f} GiB with KV cache and scratch, {:.2f} GiB are free",
                                  gib(all), gib(available));
      } else if (!packing_pays()) {
        load_reason = fmt::format("packing them would take longer than {} tokens gain", options.expected_tokens);
      } else {
        options.load = Load::Packed;
        load_reason =
            options.expected_tokens
                ? fmt::format("they fit into memory, and {} tokens gain more than it takes", options.expected_tokens)
                : "they fit into memory, and many tokens may come";
      }
    }
    if (options.load == Load::Packed) {
      memory.packed = plan.packed_bytes();
      memory.weights = plan.other_bytes();
    }
  }

  void pack() {
    const bool forget = saturating_sum({file.file_bytes(), memory.packed}) > available_memory();
    packed.emplace(file, plan, *op, forget, options.packing);
    model = model::load(file, *packed);
  }

  void check_memory() {
    const uint64_t to_pack = started ? 0 : memory.packed;
    const uint64_t wanted = saturating_sum({memory.kv, memory.scratch, to_pack}), available = available_memory();
    if (wanted > available) {
      fail(ErrorCode::Memory,
           "memory: {:.2f} GiB of KV cache for {}{} tokens, {:.2f} GiB of scratch{} are needed, {:.2f} GiB are free; "
           "ask "
           "for a smaller context (--ctx) or chunk (--chunk){}",
           gib(memory.kv), options.sequences > 1 ? fmt::format("{} sequences of ", options.sequences) : "",
           options.context, gib(memory.scratch),
           to_pack ? fmt::format(" and {:.2f} GiB of packed weights", gib(to_pack)) : "", gib(available),
           memory.packed ? ", or use --load mmap" : "");
    }
    const uint64_t total = total_memory();
    if (options.load != Load::Read && saturating_sum({memory.weights, wanted}) > total) {
      warning = fmt::format(
          "the weights ({:.1f} GiB) do not fit this machine's memory ({:.1f} GiB) beside KV cache and scratch: they "
          "will be read from disk again and again",
          gib(memory.weights), gib(total));
    }
  }

  /// One forward pass; the caches are longer then, unless it was stopped.
  kernels::Mat pass(std::span<const Token> tokens, std::span<const model::Slice> slices, model::Rows rows,
                    const std::atomic<bool>* stop) {
    op->begin();
    op->stop_when(stop);
    const kernels::Mat logits = model->forward(*op, tokens, slices, rows);
    op->stop_when(nullptr);
    return logits;
  }

  Options options;
  std::string
      kernels_exist;  // first, so that an instruction set this CPU lacks is refused before a large file is opened
  gguf::File file;
  PackingPlan plan;
  std::optional<PackedWeights> packed;
  std::unique_ptr<model::Model> model;
  std::optional<tokenizer::Tokenizer> tokenizer;
  std::string no_tokenizer, warning, load_reason;
  std::vector<Token> stops;
  Token bos = -1;
  MemoryEstimate memory;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<kernels::Ops> op;
  PassCosts pass_costs;
  bool started = false;
  std::vector<Token> together;  ///< of the common pass at work: its tokens and slices
  std::vector<model::Slice> slices;
};

namespace {

uint64_t kv_bytes(const model::Config& c, const Options& options) {
  const uint64_t one = model::KvCache::bytes(c.L, c.G, c.d, options.context, *options.kv);
  uint64_t all = 0;
  return __builtin_mul_overflow(one, uint64_t(options.sequences), &all) ? UINT64_MAX : all;
}

int most_tokens(const Options& options) {
  return std::max(std::min(options.chunk, options.context), options.sequences);
}

}  // namespace

MemoryEstimate estimate_memory(const gguf::File& file, const model::Model& model, const Options& options) {
  const size_t chunks = model.scratch_bytes(options.threads, most_tokens(options), options.rows, options.sequences);
  // Whatever the context: it may be raised later.
  const size_t few = model.scratch_bytes(options.threads, Session::kFew, model::Rows::All, 1);
  return {file.file_bytes(), 0, kv_bytes(model.config(), options), std::max(chunks, few)};
}

Engine::Engine(const std::filesystem::path& path, Options options)
    : impl_(std::make_unique<Impl>(path, std::move(options))) {}
Engine::~Engine() = default;
const gguf::File& Engine::file() const { return impl_->file; }
const model::Model& Engine::model() const { return *impl_->model; }
bool Engine::has_tokenizer() const { return impl_->tokenizer.has_value(); }
const tokenizer::Tokenizer& Engine::tokenizer() const {
  if (!impl_->tokenizer) throw Error(ErrorCode::UnsupportedOperation, impl_->no_tokenizer);
  return *impl_->tokenizer;
}
const Options& Engine::options() const { return impl_->options; }
void Engine::make_room(size_t tokens) {
  if (tokens <= size_t(impl_->options.context)) return;
  impl_->check_context(tokens);
  const auto set = [&](int context) {
    impl_->options.context = context;
    impl_->memory.kv = kv_bytes(config(), options());
  };
  const int before = impl_->options.context;
  set(int(tokens));
  try {
    impl_->check_memory();
  } catch (const Error&) {
    set(before);  // the engine goes on as it was
    throw;
  }
}
std::string_view Engine::isa() const { return impl_->op->isa(); }
const MemoryEstimate& Engine::memory() const { return impl_->memory; }
const std::string& Engine::load_reason() const { return impl_->load_reason; }
const std::string& Engine::warning() const { return impl_->warning; }
size_t Engine::tokens_per_pass() const { return size_t(most_tokens(options())); }
ThreadPool& Engine::pool() { return *impl_->pool; }
std::span<const std::byte> Engine::packed_memory() const {
  return impl_->packed ? impl_->packed->memory() : std::span<const std::byte>();
}
void Engine::observe(kernels::Observer* observer) { impl_->op->observe(observer); }
const std::vector<Token>& Engine::stop_tokens() const { return impl_->stops; }
Token Engine::bos() const { return impl_->bos; }
double Engine::now_ms() const { return impl_->options.clock(); }
PassCosts& Engine::pass_costs() { return impl_->pass_costs; }

Session::Session(Engine& engine)
    : engine_((engine.impl_->start(), engine)),
      kv_(engine.config().L, engine.config().G, engine.config().d, engine.options().context, *engine.options().kv) {}

void Session::check(std::span<const Token> tokens) const {
  if (tokens.empty()) fail(ErrorCode::BadInput, "tokens: the list is empty; at least one is needed");
  const int V = engine_.config().V;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= V)
      fail(ErrorCode::BadInput, "tokens: number {} is {}; ids go from 0 to {}", i, tokens[i], V - 1);
  }
  if (tokens.size() > size_t(room())) {
    fail(ErrorCode::Context,
         "context: {} tokens do not fit; {} of {} are taken; ask for a larger context (--ctx, up to {}) or send less",
         tokens.size(), tokens_.size(), kv_.capacity(), engine_.config().context);
  }
}

kernels::Mat Session::step(std::span<const Token> chunk, model::Rows rows) {
  const model::Slice all{&kv_, int(chunk.size())};
  const kernels::Mat logits = engine_.impl_->pass(chunk, {&all, 1}, rows, stop_);
  if (logits.data) tokens_.insert(tokens_.end(), chunk.begin(), chunk.end());
  return logits;
}

std::span<const float> Session::extend(std::span<const Token> tokens, const std::function<bool(size_t)>& progress) {
  check(tokens);
  const size_t chunk = size_t(engine_.options().chunk);
  for (size_t done = 0;;) {
    const size_t n = std::min(chunk, tokens.size() - done);
    kernels::Mat logits = step(tokens.subspan(done, n), model::Rows::Last);
    if (!logits.data) return {};
    done += n;
    if (progress && !progress(done)) return {};
    if (done == tokens.size()) return logits.flat();
  }
}

void Session::extend_all(std::span<const Token> tokens,
                         const std::function<void(size_t, std::span<const float>)>& row) {
  check(tokens);
  const size_t chunk = size_t(engine_.options().chunk);
  for (size_t done = 0; done < tokens.size();) {
    const size_t n = std::min(chunk, tokens.size() - done);
    kernels::Mat logits = step(tokens.subspan(done, n), model::Rows::All);
    if (!logits.data) return;
    for (size_t i = 0; i < n; ++i) row(done + i, {logits.row(int(i)), size_t(logits.cols)});
    done += n;
  }
}

kernels::Mat extend_together(std::span<const Step> steps, const std::atomic<bool>* stop) {
  if (steps.empty()) fail(ErrorCode::Usage, "sessions: none is to be extended; at least one is needed");
  Engine& engine = steps.front().session->engine_;
  Engine::Impl& impl = *engine.impl_;
  impl.together.clear();
  impl.slices.clear();
  for (const Step& step : steps) {
    step.session->check(step.tokens);
    impl.together.insert(impl.together.end(), step.tokens.begin(), step.tokens.end());
    impl.slices.push_back({&step.session->kv_, int(step.tokens.size())});
  }
  if (steps.size() > size_t(impl.options.sequences) || impl.together.size() > engine.tokens_per_pass()) {
    fail(ErrorCode::Usage,
         "sessions: {} with {} tokens are to be extended together; the engine was opened for {} with {}", steps.size(),
         impl.together.size(), impl.options.sequences, engine.tokens_per_pass());
  }
  const kernels::Mat logits = impl.pass(impl.together, impl.slices, model::Rows::Last, stop);
  if (!logits.data) return logits;
  for (const Step& step : steps) {
    std::vector<Token>& tokens = step.session->tokens_;
    tokens.insert(tokens.end(), step.tokens.begin(), step.tokens.end());
  }
  return logits;
}

kernels::Mat Session::extend_few(std::span<const Token> tokens) {
  check(tokens);
  if (tokens.size() > size_t(kFew))
    fail(ErrorCode::BadInput, "tokens: {} are too many to get logits after each; at most {} at a time", tokens.size(),
         kFew);
  return step(tokens, model::Rows::All);
}

void Session::truncate(size_t tokens) {
  if (tokens >= tokens_.size()) return;
  tokens_.resize(tokens);
  kv_.truncate(int(tokens));
}

}  // namespace apr::engine
