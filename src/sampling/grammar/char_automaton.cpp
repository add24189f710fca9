#include "sampling/grammar/char_automaton.h"

#include <deque>
#include <map>

#include "base/error.h"
#include "sampling/grammar/program.h"

namespace apr::grammar {
namespace {

void check_size(size_t states) {
  if (states > CharAutomaton::kMostStates) {
    fail(ErrorCode::UnsupportedOperation,
         "grammar: a pattern, together with the bounds of its length, takes more than {} states; make it simpler",
         CharAutomaton::kMostStates);
  }
}

/// The shortest escape of JSON for a character that cannot stand as itself.
std::string escape(char32_t c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return fmt::format("\\u{:04x}", uint32_t(c));
  }
}

/// The tree of some texts, with what to fall back to where a character fits no branch (Aho and Corasick 1975).
struct TextTree {
  struct Node {
    std::map<char32_t, int> next;
    bool ends = false;
    int fall_back = 0;
  };
  std::vector<Node> nodes{1};

  explicit TextTree(std::span<const std::string> texts) {
    for (const std::string& text : texts) {
      int at = 0;
      for (const char32_t c : characters(text)) {
        const auto found = nodes[size_t(at)].next.find(c);
        if (found != nodes[size_t(at)].next.end()) {
          at = found->second;
          continue;
        }
        nodes[size_t(at)].next[c] = int(nodes.size());
        at = int(nodes.size());
        nodes.emplace_back();
      }
      nodes[size_t(at)].ends = true;
    }
    check_size(nodes.size());
  }

  void add_fall_backs() {
    std::deque<int> open = {0};
    while (!open.empty()) {
      const int at = open.front();
      open.pop_front();
      for (const auto& [c, child] : nodes[size_t(at)].next) {
        int back = at;
        while (back != 0 && !nodes[size_t(nodes[size_t(back)].fall_back)].next.contains(c))
          back = nodes[size_t(back)].fall_back;
        if (back != 0) back = nodes[size_t(nodes[size_t(back)].fall_back)].next.at(c);
        nodes[size_t(child)].fall_back = back;
        nodes[size_t(child)].ends = nodes[size_t(child)].ends || nodes[size_t(back)].ends;
        open.push_back(child);
      }
    }
  }
};

}  // namespace

bool CharAutomaton::matches(std::u32string_view text) const {
  int at = 0;
  for (const char32_t c : text) {
    int next = -1;
    for (const Edge& e : states[size_t(at)].edges) {
      if (e.chars.contains(c)) next = e.to;
    }
    if (next < 0) return false;
    at = next;
  }
  return states[size_t(at)].accepts;
}

CharAutomaton texts_of_length(uint32_t least, uint32_t most) {
  const uint32_t last = most == Expr::kEndless ? least : most;
  check_size(last);
  CharAutomaton texts;
  for (uint32_t n = 0; n <= last; ++n) {
    texts.states.push_back({n >= least, {}});
    if (n < last) texts.states.back().edges.push_back({CharSet::all(), int(n + 1)});
  }
  if (most == Expr::kEndless) texts.states.back().edges.push_back({CharSet::all(), int(last)});
  return texts;
}

CharAutomaton texts_other_than(std::span<const std::string> texts) {
  const TextTree tree(texts);
  const int any = int(tree.nodes.size());
  CharAutomaton out;
  for (const TextTree::Node& node : tree.nodes) {
    CharAutomaton::State state{!node.ends, {}};
    CharSet rest = CharSet::all();
    for (const auto& [c, child] : node.next) {
      state.edges.push_back({CharSet::of(c), child});
      rest = rest & ~CharSet::of(c);
    }
    state.edges.push_back({rest, any});
    out.states.push_back(std::move(state));
  }
  out.states.push_back({true, {{CharSet::all(), any}}});
  return out;
}

CharAutomaton texts_without(std::span<const std::string> parts) {
  TextTree tree(parts);
  tree.add_fall_backs();
  CharAutomaton out;
  for (size_t i = 0; i < tree.nodes.size(); ++i) {
    CharAutomaton::State state{!tree.nodes[i].ends, {}};
    if (!tree.nodes[i].ends) {
      CharSet rest = CharSet::all();
      for (int at = int(i);; at = tree.nodes[size_t(at)].fall_back) {
        for (const auto& [c, child] : tree.nodes[size_t(at)].next) {
          if (!rest.contains(c)) continue;
          if (!tree.nodes[size_t(child)].ends) state.edges.push_back({CharSet::of(c), child});
          rest = rest & ~CharSet::of(c);
        }
        if (at == 0) break;
      }
      state.edges.push_back({rest, 0});
    }
    out.states.push_back(std::move(state));
  }
  return out;
}

CharAutomaton both(const CharAutomaton& a, const CharAutomaton& b) {
  CharAutomaton out;
  std::map<std::pair<int, int>, int> numbers = {{{0, 0}, 0}};
  std::vector<std::pair<int, int>> pairs = {{0, 0}};
  for (size_t i = 0; i < pairs.size(); ++i) {
    const CharAutomaton::State &x = a.states[size_t(pairs[i].first)], &y = b.states[size_t(pairs[i].second)];
    CharAutomaton::State state{x.accepts && y.accepts, {}};
    for (const CharAutomaton::Edge& e : x.edges) {
      for (const CharAutomaton::Edge& f : y.edges) {
        CharSet common = e.chars & f.chars;
        if (common.empty()) continue;
        const auto [found, added] = numbers.try_emplace({e.to, f.to}, int(pairs.size()));
        if (added) pairs.push_back({e.to, f.to});
        state.edges.push_back({std::move(common), found->second});
      }
    }
    out.states.push_back(std::move(state));
    check_size(pairs.size());
  }
  return out;
}

std::string spell(std::u32string_view text, Spelling spelling) {
  std::string out;
  for (const char32_t c : text)
    out += spelling == Spelling::Raw || plain_characters().contains(c) ? utf8(c) : escape(c);
  return out;
}

Expr spell(const CharSet& set, Spelling spelling) {
  if (spelling == Spelling::Raw) return chars(set);
  std::vector<Expr> ways;
  const CharSet plain = set & plain_characters();
  if (!plain.empty()) ways.push_back(chars(plain));
  const CharSet escaped = set & ~plain_characters();
  for (const CharSet::Range& r : escaped.ranges()) {
    for (char32_t c = r.first; c <= r.last; ++c) ways.push_back(bytes(escape(c)));
  }
  return choice(std::move(ways));
}

Expr spell(Expr expr, Spelling spelling) {
  if (expr.kind == Expr::Kind::Chars) return spell(expr.chars, spelling);
  for (Expr& part : expr.parts) part = spell(std::move(part), spelling);
  return expr;
}

Expr rules_of(const CharAutomaton& texts, Spelling spelling, Rules& rules) {
  std::vector<int> numbers;
  for (size_t i = 0; i < texts.states.size(); ++i) numbers.push_back(rules.add("text"));
  for (size_t i = 0; i < texts.states.size(); ++i) {
    std::vector<Expr> ways;
    const std::vector<CharAutomaton::Edge>& edges = texts.states[i].edges;
    if (edges.size() == 1 && edges[0].to == int(i)) {  // a loop is what masks know a short way for
      const Expr loop = repeat(spell(edges[0].chars, spelling), 0);
      rules.define(numbers[i], texts.states[i].accepts ? loop : nothing());
      continue;
    }
    if (texts.states[i].accepts) ways.push_back(empty());
    for (const CharAutomaton::Edge& e : texts.states[i].edges)
      ways.push_back(sequence({spell(e.chars, spelling), rule(numbers[size_t(e.to)])}));
    rules.define(numbers[i], choice(std::move(ways)));
  }
  return rule(numbers[0]);
}

}  // namespace apr::grammar
