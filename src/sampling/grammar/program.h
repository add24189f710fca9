#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sampling/grammar/rules.h"

namespace apr::grammar {

/// Bytes, at least, that something still takes; kNever: it cannot be done.
using Distance = uint32_t;
constexpr Distance kNever = UINT32_MAX;
constexpr Distance plus(Distance a, Distance b) {
  return a == kNever || b == kNever || a + uint64_t(b) >= kNever ? kNever : a + b;
}
constexpr Distance times(Distance a, uint32_t n) {
  return n == 0 ? 0 : a == kNever || uint64_t(a) * n >= kNever ? kNever : a * n;
}

/// The characters that need no escape in JSON text: all but controls, the quote and the backslash.
const CharSet& plain_characters();
/// Whether the UTF-8 of a plain character may begin with a byte, or have it further on.
bool can_begin_plain(uint8_t byte);

/// One step of a machine that matches bytes. It has a stack of where to go on: a rule's end takes the top of it.
struct Node {
  enum class Op : uint8_t {
    Byte,     ///< one byte from `first` to `last`, then node a
    Split,    ///< any of b nodes: those listed from a on
    Jump,     ///< the start of rule a, in place of this one
    Call,     ///< rule a, then node b
    Return,   ///< this rule's end
    Loop,     ///< loop a
    LoopEnd,  ///< the end of a turn of loop a
  };
  Op op;
  uint8_t first = 0, last = 0;
  int32_t a = 0, b = 0;
};

/// Turns of a part of a rule. The stack counts them.
struct Loop {
  int32_t body, exit;    ///< nodes
  uint32_t least, most;  ///< turns; most may be Expr::kEndless
  int32_t chars;         ///< a turn may be any one character of this class; -1: of none
  bool only;             ///< and a turn that begins with a plain character is that character and no more
  bool ends_plain;       ///< plain text may follow the last turn
};

/// Rules compiled into such a machine.
///
/// trust   rules made of untrusted grammars
/// errors  BadInput: a rule that begins with itself (the machine would never get to a byte), no text that it could
///         match at all. UnsupportedOperation: more than kMostNodes
/// threads const after construction
class Program {
 public:
  static constexpr size_t kMostNodes = 2'000'000;
  explicit Program(const Rules& rules);

  const Node& node(int32_t i) const { return nodes_[size_t(i)]; }
  const Loop& loop(int32_t i) const { return loops_[size_t(i)]; }
  int32_t target(int32_t i) const { return targets_[size_t(i)]; }
  /// Sets of plain characters that loops run over; class 0 has all of them.
  const CharSet& chars(int32_t c) const { return classes_[size_t(c)]; }
  int32_t start(int32_t rule) const { return starts_[size_t(rule)]; }
  int32_t root() const { return root_; }
  /// From a node to the end of its rule, or of its turn of a loop.
  Distance distance(int32_t node) const { return distances_[size_t(node)]; }
  /// From the head of a loop, after so many turns, to the end of what the loop stands in.
  Distance loop_distance(int32_t loop, uint32_t turns) const;
  size_t size() const { return nodes_.size(); }

 private:
  int32_t add(Node node);
  int32_t compile(const Expr& expr, int32_t next);
  int32_t compile_chars(const CharSet& set, int32_t next);
  int32_t compile_repeat(const Expr& expr, int32_t next);
  int32_t split(const std::vector<int32_t>& ways);
  int32_t class_of(const CharSet& set);
  bool may_begin_plain(int32_t node) const;
  void find_distances();
  Distance distance_now(int32_t node) const;
  void refuse_left_recursion(const Rules& rules) const;

  std::vector<Node> nodes_;
  std::vector<Loop> loops_;
  std::vector<CharSet> classes_;
  std::vector<int32_t> targets_, starts_;
  std::vector<Distance> distances_;
  int32_t root_ = 0;
};

}  // namespace apr::grammar
