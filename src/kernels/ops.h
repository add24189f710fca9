#pragma once
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "base/thread_pool.h"
#include "kernels/kv_view.h"
#include "kernels/mat.h"
#include "kernels/observer.h"
#include "kernels/table.h"

namespace apr::kernels {

/// What matrices read: f32 rows, and their int8 form once a quantised matrix has asked for it (then shared by all that
/// follow).
struct Input {
  Mat x;                ///< [T, n]; data may be null when only q was made
  XBlock* q = nullptr;  ///< [T, n / 32]
  bool has_q = false;   ///< q was made; in a pass that is only measured it is null nevertheless
  const XBlock* q_row(int t) const { return q + size_t(t) * size_t(x_blocks(x.cols)); }
};

/// Which elements of a head RoPE turns together: (i, i + d/2) as in Qwen, or (2 i, 2 i + 1) as in llama files.
enum class RopePairs { Halves, Neighbours };

/// Which experts each token goes to, also sorted by expert: a slot is one (token, expert) pair.
struct Routing {
  int tokens = 0, kept = 0;
  int* expert = nullptr;       ///< [T, K] ids, ascending in each row
  float* weight = nullptr;     ///< [T, K]; each row sums to 1
  int used = 0;                ///< experts that have a token
  int* used_expert = nullptr;  ///< [used] ascending
  int* first_slot = nullptr;   ///< [used + 1]
  int* slot_token = nullptr;   ///< [T * K]
  float* slot_weight = nullptr;
};

/// The verbs that a forward pass is made of. Results live in its arena, until their scope or the next begin().
///
/// shape   row-major, [outer, inner]; T rows are tokens
/// units   f32 throughout; weights as stored; sums as stated in table.h
/// needs   shapes that fit (proven by the model's binding); arena room (Model::scratch_bytes)
/// errors  none after construction; nothing here fails, logs or allocates beyond the arena
/// threads rows, panels, heads or experts are split over the pool; no result depends on its size, on T, or on the
/// instruction set
class Ops {
 public:
  /// isa "" = the best of this CPU. errors: those of choose_kernels
  Ops(ThreadPool& pool, std::string_view isa = "");
  /// Computes nothing and only counts the arena bytes that the same calls would take on `threads` threads.
  static Ops measuring(int threads);

  std::string_view isa() const { return k_->name; }
  bool is_measuring() const { return arena_.measuring(); }
  size_t peak_bytes() const { return arena_.peak(); }
  /// Makes room for passes of up to `bytes`. errors: Memory
  void reserve(size_t bytes);
  void begin() { arena_.release(0); }

  /// A pass may be given up between layers once *flag is true; null: never. The flag may be set by another thread or a
  /// signal handler.
  void stop_when(const std::atomic<bool>* flag) { stop_ = flag; }
  bool stopped() const { return stop_ && stop_->load(std::memory_order_relaxed); }

  /// Tells of each verb when it is done; null: nobody. Must outlive the passes that it sees.
  void observe(Observer* observer) { observer_ = observer; }

  /// Gives back, at its end, all that was taken from the arena since its start.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
    ~Scope() { arena_.release(mark_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    size_t mark_;
  };
  Scope scope() { return Scope(arena_); }

  Mat embed(const Weight& table, std::span<const int32_t> tokens);    ///< [T, n_in]
  Mat rms_norm(Mat x, const float* weight, float eps);                ///< arXiv:1910.07467
  void rms_norm_heads(Mat x, int d, const float* weight, float eps);  ///< each head of d by itself, in place
  void add(Mat x, Mat y);                                             ///< x += y
  void add_bias(Mat x, const float* bias);                            ///< bias [cols]
  /// Room for a pass's sequences, to be filled in; its data is null in measuring mode.
  std::span<Sequence> sequences(size_t n) { return {arena_.take<Sequence>(n), n}; }
  Mat last_rows(Mat x, std::span<const Sequence> sequences);  ///< of each sequence: [sequences, cols]

  /// cos and sin of position * frequency (radians per token) for each of the T rows: [T, 2 * pairs], cosines first.
  Mat rope_angles(std::span<const Sequence> sequences, int T, std::span<const double> frequencies);
  /// The same for positions first … first + T - 1.
  Mat rope_angles(int first, int T, std::span<const double> frequencies);
  void rope(Mat x, int d, Mat angles, RopePairs pairs);  ///< turns each head of d in place; arXiv:2104.09864

  /// Writes the packed form of a quantised matrix: packed_view(stored, to).bytes() bytes (pack.h). needs: `to` on a
  /// cache line
  Weight pack(const Weight& stored, std::byte* to);

  Input input(Mat x) { return {x}; }
  Mat project(Input& x, const Weight& w);  ///< x · Wᵀ: [T, n_out]
  struct Projection {
    const Weight& w;
    Mat& y;
  };
  /// Several matrices that read the same input, in one go.
  void project(Input& x, std::initializer_list<Projection> all);

  /// Rows go to positions kv.length … of their sequence's cache.
  void append(std::span<const Sequence> sequences, Mat k, Mat v);
  /// softmax(scale * q · Kᵀ) · V, each row seeing the positions of its sequence up to its own. q [T, H * d]
  /// needs: append() of the same rows before; caches of G heads of d
  Mat attend(Mat q, std::span<const Sequence> sequences, int G, int d, float scale);
  void append(const KvView& kv, Mat k, Mat v);       ///< of one sequence
  Mat attend(Mat q, const KvView& kv, float scale);  ///< of one sequence

  /// Softmax over all experts, the K largest (ties to the lower id), rescaled to sum 1.
  Routing route(Mat logits, int K);
  /// y[t] = sum over its experts, by ascending id, of weight * down(silu(gate x) * up x).
  Mat experts(Input& x, const Routing& r, const ExpertWeights& gate, const ExpertWeights& up,
              const ExpertWeights& down);
  /// down(silu(gate x) * up x): arXiv:2002.05202.
  Mat feed_forward(Input& x, const Weight& gate, const Weight& up, const Weight& down);

 private:
  explicit Ops(int threads);
  Mat mat(int rows, int cols) { return {arena_.take<float>(size_t(rows) * size_t(cols)), rows, cols}; }
  int workers() const { return pool_ ? pool_->size() : threads_; }

  /// Scratch of one worker for products of up to `tokens` tokens.
  struct ProductScratch {
    PanelUnit* panel;
    float* mins;
    float* y[2];  ///< [tokens][16] each
    float* wide;  ///< [tokens][32]
  };
  ProductScratch* take_product_scratch(int tokens);
  struct TokenRows {  ///< one pointer per token or slot; and tiles, group after group, each beginning a new one
    const float** f;
    const XBlock** q;
    int blocks;  ///< of a row of q
    const XTile* tiles = nullptr;
    const int* first_tile = nullptr;  ///< of each group
  };
  TokenRows token_rows(const Input& x, const int* tokens, int n);
  /// Slots first … first + tokens - 1 of x, which are its group `group`. `next`: see ProductJob.
  void product(const Weight& w, int row0, const TokenRows& x, int group, int first, int tokens, ProductScratch& s,
               float* y, const std::byte* next);
  void want(Input& x, const Weight& w);  ///< quantises x if w needs it and nobody has yet
  /// Groups of tokens that go through one gate and up matrix each.
  struct Groups {
    int count, most_count;  ///< groups; and the most there can be, for planning
    int most_tokens;        ///< of a group, likewise
    int slots;
    const int* first_slot;
    const int* matrix;  ///< which of the experts
    const int* slot_token;
  };
  /// All T tokens, in blocks whose tiles stay in a core's cache while matrices go by.
  Groups token_blocks(int T);
  /// Puts the tokens of each group that has many into tiles.
  void tile(TokenRows& rows, const Groups& groups);
  Input gated(Input& x, const Groups& groups, const ExpertWeights& gate, const ExpertWeights& up, const Weight& down);
  template <class Body>
  void over_rows(int rows, int cols, Body body);  ///< body(row), on the caller alone when there is little to do

  const Kernels* k_;
  ThreadPool* pool_ = nullptr;
  int threads_ = 1;
  const std::atomic<bool>* stop_ = nullptr;
  Observer* observer_ = nullptr;
  Arena arena_;
};

}  // namespace apr::kernels
