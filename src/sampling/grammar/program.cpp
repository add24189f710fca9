#include "sampling/grammar/program.h"

#include <algorithm>
#include <deque>
#include <unordered_set>

#include "base/error.h"
#include "base/printable.h"

namespace apr::grammar {
namespace {

constexpr size_t kMostClasses = 32;  ///< each of them takes masks, once used
constexpr int32_t kReturn = 0;       ///< the node that ends every rule

/// The plain characters that a whole turn may be.
CharSet plain_turns(const Expr& turn) {
  if (turn.kind == Expr::Kind::Chars) return turn.chars & plain_characters();
  CharSet all;
  if (turn.kind == Expr::Kind::Choice) {
    for (const Expr& part : turn.parts) all = all | plain_turns(part);
  }
  return all;
}

/// Whether whatever begins with a plain character is that one character.
bool is_one_if_plain(const Expr& turn) {
  switch (turn.kind) {
    case Expr::Kind::Chars:
      return true;
    case Expr::Kind::Choice:
      return std::all_of(turn.parts.begin(), turn.parts.end(), is_one_if_plain);
    case Expr::Kind::Sequence:
      return !turn.parts.empty() && turn.parts[0].kind == Expr::Kind::Bytes && is_one_if_plain(turn.parts[0]);
    case Expr::Kind::Bytes:
      return !turn.bytes.empty() && !can_begin_plain(uint8_t(turn.bytes[0]));
    default:
      return false;
  }
}

/// Calls see(node) for all nodes that another one leads to.
template <class See>
void each_successor(const Program& program, const Node& node, const See& see) {
  switch (node.op) {
    case Node::Op::Byte:
      return see(node.a);
    case Node::Op::Split:
      for (int32_t i = 0; i < node.b; ++i) see(program.target(node.a + i));
      return;
    case Node::Op::Jump:
      return see(program.start(node.a));
    case Node::Op::Call:
      see(program.start(node.a));
      return see(node.b);
    case Node::Op::Loop:
      see(program.loop(node.a).body);
      return see(program.loop(node.a).exit);
    case Node::Op::Return:
    case Node::Op::LoopEnd:
      return;
  }
}

}  // namespace

const CharSet& plain_characters() {
  static const CharSet set = CharSet({{0x20, kLastChar}}) & ~(CharSet::of('"') | CharSet::of('\\'));
  return set;
}

bool can_begin_plain(uint8_t byte) { return byte >= 0x80 || plain_characters().contains(byte); }

Program::Program(const Rules& rules) {
  classes_.push_back(plain_characters());
  add({Node::Op::Return});
  for (size_t r = 0; r < rules.size(); ++r) starts_.push_back(compile(rules.expr(int(r)), kReturn));
  root_ = starts_[size_t(rules.root)];
  find_distances();
  if (distances_[size_t(root_)] == kNever)
    fail(ErrorCode::BadInput, "grammar: rule '{}' matches no text at all: whatever way is taken, it never ends",
         printable(rules.name(rules.root)));
  refuse_left_recursion(rules);
}

int32_t Program::add(Node node) {
  if (nodes_.size() >= kMostNodes)
    fail(ErrorCode::UnsupportedOperation, "grammar: it takes more than {} states; make it smaller", kMostNodes);
  nodes_.push_back(node);
  return int32_t(nodes_.size()) - 1;
}

int32_t Program::split(const std::vector<int32_t>& ways) {
  if (ways.size() == 1) return ways[0];
  const auto first = int32_t(targets_.size());
  targets_.insert(targets_.end(), ways.begin(), ways.end());
  return add({Node::Op::Split, 0, 0, first, int32_t(ways.size())});
}

int32_t Program::class_of(const CharSet& set) {
  if (set.empty()) return -1;
  const auto known = std::find(classes_.begin(), classes_.end(), set);
  if (known != classes_.end()) return int32_t(known - classes_.begin());
  if (classes_.size() >= kMostClasses) return -1;
  classes_.push_back(set);
  return int32_t(classes_.size()) - 1;
}

/// Whether plain text may stand at a node; where that is not seen within the rule: yes.
bool Program::may_begin_plain(int32_t i) const {
  const Node& n = nodes_[size_t(i)];
  if (n.op == Node::Op::Byte) {
    for (unsigned b = n.first; b <= n.last; ++b) {
      if (can_begin_plain(uint8_t(b))) return true;
    }
    return false;
  }
  if (n.op != Node::Op::Split) return true;
  for (int32_t k = 0; k < n.b; ++k) {
    if (nodes_[size_t(target(n.a + k))].op != Node::Op::Byte || may_begin_plain(target(n.a + k))) return true;
  }
  return false;
}

int32_t Program::compile_chars(const CharSet& set, int32_t next) {
  std::vector<int32_t> ways;
  for (const Utf8Pattern& pattern : utf8_patterns(set)) {
    int32_t then = next;
    for (auto byte = pattern.rbegin(); byte != pattern.rend(); ++byte)
      then = add({Node::Op::Byte, byte->first, byte->last, then});
    ways.push_back(then);
  }
  return split(ways);
}

int32_t Program::compile_repeat(const Expr& expr, int32_t next) {
  const auto number = int32_t(loops_.size());
  const int32_t chars = class_of(plain_turns(expr.parts[0]));
  loops_.push_back(
      {0, next, expr.least, expr.most, chars, chars >= 0 && is_one_if_plain(expr.parts[0]), may_begin_plain(next)});
  const int32_t body = compile(expr.parts[0], add({Node::Op::LoopEnd, 0, 0, number}));
  loops_[size_t(number)].body = body;
  return add({Node::Op::Loop, 0, 0, number});
}

/// Makes the nodes of an expression that is followed by `next`; they are made from the end to the beginning.
int32_t Program::compile(const Expr& expr, int32_t next) {
  switch (expr.kind) {
    case Expr::Kind::Bytes:
      for (auto byte = expr.bytes.rbegin(); byte != expr.bytes.rend(); ++byte)
        next = add({Node::Op::Byte, uint8_t(*byte), uint8_t(*byte), next});
      return next;
    case Expr::Kind::Chars:
      return compile_chars(expr.chars, next);
    case Expr::Kind::Sequence:
      for (auto part = expr.parts.rbegin(); part != expr.parts.rend(); ++part) next = compile(*part, next);
      return next;
    case Expr::Kind::Choice: {
      std::vector<int32_t> ways;
      for (const Expr& part : expr.parts) ways.push_back(compile(part, next));
      return split(ways);
    }
    case Expr::Kind::Repeat:
      return compile_repeat(expr, next);
    case Expr::Kind::Rule:
      // A rule's last call leaves nothing to come back to, so lists written as recursion do not pile up.
      return next == kReturn ? add({Node::Op::Jump, 0, 0, expr.rule}) : add({Node::Op::Call, 0, 0, expr.rule, next});
  }
  return next;
}

Distance Program::loop_distance(int32_t number, uint32_t turns) const {
  const Loop& l = loops_[size_t(number)];
  const uint32_t missing = turns < l.least ? l.least - turns : 0;
  return plus(times(distances_[size_t(l.body)], missing), distances_[size_t(l.exit)]);
}

/// Of a node, given those of the nodes behind it.
Distance Program::distance_now(int32_t i) const {
  const Node& n = nodes_[size_t(i)];
  switch (n.op) {
    case Node::Op::Return:
    case Node::Op::LoopEnd:
      return 0;
    case Node::Op::Byte:
      return plus(1, distances_[size_t(n.a)]);
    case Node::Op::Jump:
      return distances_[size_t(starts_[size_t(n.a)])];
    case Node::Op::Call:
      return plus(distances_[size_t(starts_[size_t(n.a)])], distances_[size_t(n.b)]);
    case Node::Op::Loop:
      return loop_distance(n.a, 0);
    case Node::Op::Split: {
      Distance least = kNever;
      for (int32_t k = 0; k < n.b; ++k) least = std::min(least, distances_[size_t(target(n.a + k))]);
      return least;
    }
  }
  return kNever;
}

/// Distances only ever fall, so whoever depends on one that fell is looked at again until none does.
void Program::find_distances() {
  distances_.assign(nodes_.size(), kNever);
  std::vector<std::vector<int32_t>> dependents(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i)
    each_successor(*this, nodes_[i], [&](int32_t s) { dependents[size_t(s)].push_back(int32_t(i)); });
  std::deque<int32_t> open;
  std::vector<char> waiting(nodes_.size(), 1);
  for (size_t i = 0; i < nodes_.size(); ++i) open.push_back(int32_t(i));
  while (!open.empty()) {
    const int32_t i = open.front();
    open.pop_front();
    waiting[size_t(i)] = 0;
    const Distance now = distance_now(i);
    if (now >= distances_[size_t(i)]) continue;
    distances_[size_t(i)] = now;
    for (const int32_t d : dependents[size_t(i)]) {
      if (!waiting[size_t(d)]) open.push_back(d);
      waiting[size_t(d)] = 1;
    }
  }
}

/// A walk over the rules that a rule may begin with, depth first and without recursion.
void Program::refuse_left_recursion(const Rules& rules) const {
  auto first_rules = [&](int32_t rule) {
    std::vector<int32_t> open = {starts_[size_t(rule)]}, found;
    std::unordered_set<int32_t> seen(open.begin(), open.end());
    auto see = [&](int32_t node) {
      if (seen.insert(node).second) open.push_back(node);
    };
    while (!open.empty()) {
      const Node& n = nodes_[size_t(open.back())];
      open.pop_back();
      if (n.op == Node::Op::Jump || n.op == Node::Op::Call) {
        found.push_back(n.a);
        if (n.op == Node::Op::Call && distances_[size_t(starts_[size_t(n.a)])] == 0) see(n.b);
      } else if (n.op == Node::Op::Loop) {
        const Loop& l = loops_[size_t(n.a)];
        see(l.body);
        if (l.least == 0 || distances_[size_t(l.body)] == 0) see(l.exit);
      } else if (n.op == Node::Op::Split) {
        for (int32_t k = 0; k < n.b; ++k) see(target(n.a + k));
      }
    }
    return found;
  };
  enum class Mark : char { New, Open, Done };
  std::vector<Mark> marks(starts_.size(), Mark::New);
  struct Visit {
    int32_t rule;
    std::vector<int32_t> next;
  };
  for (size_t r = 0; r < starts_.size(); ++r) {
    if (marks[r] != Mark::New) continue;
    std::vector<Visit> path = {{int32_t(r), first_rules(int32_t(r))}};
    marks[r] = Mark::Open;
    while (!path.empty()) {
      Visit& visit = path.back();
      if (visit.next.empty()) {
        marks[size_t(visit.rule)] = Mark::Done;
        path.pop_back();
        continue;
      }
      const int32_t next = visit.next.back();
      visit.next.pop_back();
      if (marks[size_t(next)] == Mark::Open) {
        fail(
            ErrorCode::BadInput,
            "grammar: rule '{}' can begin with itself, so it never gets to a character; put what it begins with first, "
            "and the rule itself last",
            printable(rules.name(next)));
      }
      if (marks[size_t(next)] == Mark::Done) continue;
      marks[size_t(next)] = Mark::Open;
      path.push_back({next, first_rules(next)});
    }
  }
}

}  // namespace apr::grammar
