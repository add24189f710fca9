#pragma once
#include <cstddef>
#include <cstdint>

#include "chat/jinja/value.h"

namespace apr::chat::jinja {

/// What a template may use. Templates come in model files, which nobody may trust.
struct Limits {
  uint64_t steps = 8'000'000;        ///< nodes evaluated; 16 bytes or items that are looked at or made count as one
  size_t bytes = size_t(256) << 20;  ///< of all strings and lists made, and of the output
  int depth = 400;                   ///< of expressions, blocks and macro calls within each other
};

/// Counts down what is left. Trouble when there is no more.
class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}
  void step(uint64_t n = 1) {
    steps_ += n;
    if (steps_ > limits_.steps) throw Trouble{"the template takes too many steps; it never ends, or nearly so"};
  }
  /// Before so many bytes or items are made.
  void make(size_t n, size_t size_of_each = 1) {
    step(n / 16);
    if (n > limits_.bytes / size_of_each || (bytes_ += n * size_of_each) > limits_.bytes)
      throw Trouble{"the template makes too much text"};
  }

  /// One level deeper while it lives.
  class Level {
   public:
    explicit Level(Budget& budget) : budget_(budget) {
      if (++budget_.depth_ > budget_.limits_.depth) {
        --budget_.depth_;
        throw Trouble{"the template is nested too deep; a macro may be calling itself without end"};
      }
    }
    ~Level() { --budget_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Budget& budget_;
  };

 private:
  Limits limits_;
  uint64_t steps_ = 0;
  size_t bytes_ = 0;
  int depth_ = 0;
};

}  // namespace apr::chat::jinja
