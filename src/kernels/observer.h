#pragma once
#include <chrono>
#include <cstdint>
#include <string_view>

namespace apr::kernels {

/// What a verb of Ops does, for those who watch.
enum class Step : uint8_t {
  Embed,
  Norm,
  HeadNorms,
  Round,  ///< activations to int8
  Project,
  Bias,
  Angles,
  Rope,
  Append,
  Attend,
  Route,
  Gate,     ///< silu(gate x) * up x, of experts or of a dense feed-forward
  Combine,  ///< the experts' down matrices and the weighted sum
  Add,
  LastRows,
};

/// What passed through the processor: bytes are what has to come from memory at least once, MACs are multiply-adds.
struct Work {
  uint64_t weight_bytes = 0, kv_bytes = 0;
  uint64_t int8_macs = 0;       ///< of quantised matrices
  uint64_t float_macs = 0;      ///< of matrices stored as floats
  uint64_t attention_macs = 0;  ///< in f32: queries with keys, weights with values
  uint64_t bytes() const { return weight_bytes + kv_bytes; }
  uint64_t matrix_macs() const { return int8_macs + float_macs; }
  Work& operator+=(const Work& w) {
    weight_bytes += w.weight_bytes, kv_bytes += w.kv_bytes;
    int8_macs += w.int8_macs, float_macs += w.float_macs, attention_macs += w.attention_macs;
    return *this;
  }
};

/// Hears of every verb, on the caller's thread.
class Observer {
 public:
  virtual ~Observer() = default;
  /// weight: the name of the first matrix or vector that was read, where the verb has one. Called while a verb ends, so
  /// it may not throw
  virtual void done(Step step, std::string_view weight, double seconds, const Work& work) = 0;
};

/// The time of one verb, from here to its end; nothing where nobody observes.
class Watch {
 public:
  Watch(Observer* observer, Step step, std::string_view weight = {})
      : observer_(observer), step_(step), weight_(weight) {
    if (observer_) start_ = Clock::now();
  }
  ~Watch() {
    if (observer_) observer_->done(step_, weight_, std::chrono::duration<double>(Clock::now() - start_).count(), work_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  void count(const Work& work) { work_ += work; }

 private:
  using Clock = std::chrono::steady_clock;
  Observer* observer_;
  Step step_;
  std::string_view weight_;
  Clock::time_point start_{};
  Work work_;
};

}  // namespace apr::kernels
