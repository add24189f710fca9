#include "sampling/grammar/regex.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/printable.h"

namespace apr::grammar {
namespace {

constexpr int kDeepest = 100;
constexpr uint32_t kMostTurns = 10'000;
constexpr size_t kMostNodes = 100'000;

// Within an expression a "rule" is a place that takes no character.
constexpr int kTextStart = 0, kTextEnd = 1;

/// What a class of characters holds for certain, and what it may hold for some reader.
struct Class {
  CharSet surely, maybe;
};

const CharSet kAscii({{0, 0x7F}});
const CharSet kDigits({{'0', '9'}});
const CharSet kWord({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}});
const CharSet kSpace({{'\t', '\r'}, {' ', ' '}});
const CharSet kMaybeSpace({{'\t', '\r'}, {0x1C, 0x20}});
const CharSet kLineEnds({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});

std::optional<Class> class_of(char32_t letter) {
  auto inverse = [](const Class& c) { return Class{~c.maybe, ~c.surely}; };
  switch (letter) {
    case 'd':
      return Class{kDigits, kDigits | ~kAscii};
    case 'w':
      return Class{kWord, kWord | ~kAscii};
    case 's':
      return Class{kSpace, kMaybeSpace | ~kAscii};
    case 'D':
      return inverse(*class_of('d'));
    case 'W':
      return inverse(*class_of('w'));
    case 'S':
      return inverse(*class_of('s'));
    default:
      return std::nullopt;
  }
}

class Parser {
 public:
  Parser(std::string_view pattern, const std::string& where) : text_(characters(pattern)), where_(where) {}

  Expr read() {
    Expr all = read_choice(0);
    if (at_ < text_.size()) wrong("there is a ) without its (");
    return all;
  }

 private:
  [[noreturn]] void wrong(std::string_view what) const {
    fail(ErrorCode::BadInput, "{}: the regular expression is wrong at character {}: {}", where_, at_ + 1, what);
  }
  [[noreturn]] void refuse(std::string_view what) const {
    fail(ErrorCode::UnsupportedOperation, "{}: the regular expression has {}, which is not built; leave it out", where_,
         what);
  }
  bool at_end() const { return at_ >= text_.size(); }
  bool take(std::u32string_view what) {
    if (!std::u32string_view(text_).substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  char32_t peek() const { return at_end() ? U'\0' : text_[at_]; }

  Expr read_choice(int depth) {
    if (depth > kDeepest) wrong("its groups are nested too deep");
    std::vector<Expr> ways;
    do {
      std::vector<Expr> parts;
      while (!at_end() && peek() != '|' && peek() != ')') parts.push_back(read_turns(read_part(depth)));
      ways.push_back(sequence(std::move(parts)));
    } while (take(U"|"));
    return choice(std::move(ways));
  }

  Expr read_part(int depth) {
    const char32_t c = text_[at_];
    switch (c) {
      case '^':
        ++at_;
        return rule(kTextStart);
      case '$':
        ++at_;
        return rule(kTextEnd);
      case '.':
        ++at_;
        return chars(~kLineEnds);
      case '(':
        ++at_;
        return read_group(depth);
      case '[':
        ++at_;
        return chars(read_set());
      case '\\':
        ++at_;
        return read_escaped();
      case '*':
      case '+':
      case '?':
        wrong("there is nothing to repeat");
      default:
        ++at_;
        return chars(CharSet::of(c));
    }
  }

  Expr read_group(int depth) {
    if (take(U"?")) {
      if (take(U"<") || take(U"P<")) {
        if (peek() == '=' || peek() == '!') refuse("look-around, (?<= or (?<!");
        while (!at_end() && peek() != '>') ++at_;
        if (!take(U">")) wrong("the name of a group does not end");
      } else if (peek() == '=' || peek() == '!') {
        refuse("look-around, (?= or (?!");
      } else if (!take(U":")) {
        refuse("flags or an unknown kind of group, (?");
      }
    }
    Expr inner = read_choice(depth + 1);
    if (!take(U")")) wrong("a ( is not closed");
    return inner;
  }

  Expr read_turns(Expr part) {
    std::optional<std::pair<uint32_t, uint32_t>> turns;
    if (take(U"*"))
      turns = {0, Expr::kEndless};
    else if (take(U"+"))
      turns = {1, Expr::kEndless};
    else if (take(U"?"))
      turns = {0, 1};
    else
      turns = read_count();
    if (!turns) return part;
    take(U"?");  // in what order ways are tried does not change what matches
    if (peek() == '*' || peek() == '+' || peek() == '?') wrong("a repetition of a repetition needs parentheses");
    return repeat(std::move(part), turns->first, turns->second);
  }

  /// {m}, {m,} or {m,n}; anything else in braces is text.
  std::optional<std::pair<uint32_t, uint32_t>> read_count() {
    const size_t start = at_;
    if (!take(U"{")) return std::nullopt;
    const std::optional<uint32_t> least = read_number();
    std::optional<uint32_t> most = least;
    if (least && take(U",")) most = peek() == '}' ? std::optional(Expr::kEndless) : read_number();
    if (!least || !most || !take(U"}")) {
      at_ = start;
      return std::nullopt;
    }
    if (*least > *most) wrong("a repetition's first number is larger than its second");
    return std::pair(*least, *most);
  }

  std::optional<uint32_t> read_number() {
    if (!kDigits.contains(peek())) return std::nullopt;
    uint32_t n = 0;
    for (; !at_end() && kDigits.contains(peek()); ++at_) {
      n = n * 10 + (peek() - '0');
      if (n > kMostTurns) refuse(fmt::format("more than {} repetitions", kMostTurns));
    }
    return n;
  }

  Expr read_escaped() {
    if (at_end()) wrong("it ends in a backslash");
    if (const auto known = class_of(peek())) {
      ++at_;
      return chars(known->surely);
    }
    if (peek() == 'b' || peek() == 'B') refuse("a word boundary, \\b or \\B");
    if (peek() == 'k' || (peek() >= '1' && peek() <= '9')) refuse("a back reference");
    return chars(CharSet::of(read_escaped_character()));
  }

  /// After the backslash.
  char32_t read_escaped_character() {
    if (at_end()) wrong("it ends in a backslash");
    const char32_t c = text_[at_++];
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      case '0':
        if (kDigits.contains(peek())) wrong("an octal number");
        return 0;
      case 'x':
        return read_hex(2);
      case 'u':
        return read_unicode();
      case 'c': {
        const char32_t letter = peek() & ~char32_t(0x20);
        if (letter < 'A' || letter > 'Z') wrong("\\c is not followed by a letter");
        ++at_;
        return letter & 0x1F;
      }
      case 'p':
      case 'P':
        refuse("a property of characters, \\p or \\P");
      default:
        if (kWord.contains(c) && c != '_') {
          --at_;
          wrong(fmt::format("\\{} is not known", utf8(c)));
        }
        return c;
    }
  }

  char32_t read_hex(size_t digits) {
    char32_t value = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const char32_t c = peek();
      const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!letter && !kDigits.contains(c)) wrong(fmt::format("expected {} hexadecimal digits", digits));
      value = value * 16 + (letter ? (c & 0xF) + 9 : c - '0');
    }
    return value;
  }

  char32_t read_unicode() {
    char32_t c = 0;
    if (take(U"{")) {
      while (!at_end() && peek() != '}' && c <= kLastChar) c = c * 16 + read_hex(1);
      if (!take(U"}")) wrong("\\u{ is not closed, or too large");
    } else {
      c = read_hex(4);
      if (c >= 0xD800 && c < 0xDC00 && take(U"\\u")) {
        const char32_t low = read_hex(4);
        if (low < 0xDC00 || low > 0xDFFF) wrong("half of a surrogate pair");
        return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
      }
    }
    if (c > kLastChar || (c >= 0xD800 && c <= 0xDFFF)) wrong("half of a surrogate pair, or no character at all");
    return c;
  }

  CharSet read_set() {
    const bool inverse = take(U"^");
    Class all;
    while (!take(U"]")) {
      if (at_end()) wrong("a [ is not closed");
      Class item = read_item();
      const bool single = item.surely == item.maybe && item.surely.ranges().size() == 1 &&
                          item.surely.ranges()[0].first == item.surely.ranges()[0].last;
      if (single && peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        const Class end = read_item();
        if (end.surely.ranges().size() != 1 || end.surely.ranges()[0].first != end.surely.ranges()[0].last)
          wrong("a range ends in a class of characters");
        const char32_t first = item.surely.ranges()[0].first, last = end.surely.ranges()[0].last;
        if (first > last) wrong("a range ends before it begins");
        item.surely = item.maybe = CharSet({{first, last}});
      }
      all.surely = all.surely | item.surely;
      all.maybe = all.maybe | item.maybe;
    }
    return inverse ? ~all.maybe : all.surely;
  }

  Class read_item() {
    if (!take(U"\\")) {
      const CharSet one = CharSet::of(text_[at_++]);
      return {one, one};
    }
    if (const auto known = class_of(peek())) {
      ++at_;
      return *known;
    }
    const CharSet one = CharSet::of(take(U"b") ? '\b' : read_escaped_character());
    return {one, one};
  }

  std::u32string text_;
  const std::string& where_;
  size_t at_ = 0;
};

/// The expression as a machine that may be in many states, and then as one that is in one at a time.
class Machine {
 public:
  explicit Machine(const std::string& where) : where_(where) {}

  CharAutomaton build(const Expr& expr) {
    const int end = add({Node::Op::Accept});
    const int anything_after = loop_over_all(end);
    start_ = loop_over_all(compile(expr, anything_after));
    return determinise();
  }

 private:
  struct Node {
    enum class Op { Chars, Split, Start, End, Accept } op;
    CharSet chars = {};
    std::vector<int> next = {};
  };
  using Set = std::set<int>;

  int add(Node node) {
    if (nodes_.size() >= kMostNodes)
      fail(ErrorCode::UnsupportedOperation, "{}: the regular expression takes too many states; make it simpler",
           where_);
    nodes_.push_back(std::move(node));
    return int(nodes_.size()) - 1;
  }
  int loop_over_all(int next) {
    const int loop = add({Node::Op::Split, {}, {next}});
    const int one = add({Node::Op::Chars, CharSet::all(), {loop}});
    nodes_[size_t(loop)].next.push_back(one);
    return loop;
  }

  int compile(const Expr& expr, int next) {
    switch (expr.kind) {
      case Expr::Kind::Chars:
        return add({Node::Op::Chars, expr.chars, {next}});
      case Expr::Kind::Rule:
        return add({expr.rule == kTextStart ? Node::Op::Start : Node::Op::End, {}, {next}});
      case Expr::Kind::Choice: {
        std::vector<int> ways;
        for (const Expr& part : expr.parts) ways.push_back(compile(part, next));
        return ways.size() == 1 ? ways[0] : add({Node::Op::Split, {}, std::move(ways)});
      }
      case Expr::Kind::Repeat:
        return compile_repeat(expr, next);
      default:
        for (auto part = expr.parts.rbegin(); part != expr.parts.rend(); ++part) next = compile(*part, next);
        return next;
    }
  }

  int compile_repeat(const Expr& expr, int next) {
    if (expr.most == Expr::kEndless) {
      const int loop = add({Node::Op::Split, {}, {next}});
      const int body = compile(expr.parts[0], loop);
      nodes_[size_t(loop)].next.push_back(body);
      next = loop;
    } else {
      for (uint32_t i = expr.least; i < expr.most; ++i) {
        const int body = compile(expr.parts[0], next);
        next = add({Node::Op::Split, {}, {body, next}});
      }
    }
    for (uint32_t i = 0; i < expr.least; ++i) next = compile(expr.parts[0], next);
    return next;
  }

  /// Follows what takes no character. Places "end of the text" stay in the set; only `at_end` goes through them.
  Set close(const Set& from, bool at_start, bool at_end) const {
    Set seen;
    std::vector<int> open(from.begin(), from.end());
    while (!open.empty()) {
      const int i = open.back();
      open.pop_back();
      if (!seen.insert(i).second) continue;
      const Node& n = nodes_[size_t(i)];
      const bool through =
          n.op == Node::Op::Split || (n.op == Node::Op::Start && at_start) || (n.op == Node::Op::End && at_end);
      if (through) open.insert(open.end(), n.next.begin(), n.next.end());
    }
    return seen;
  }

  bool accepts(const Set& set, bool at_start) const {
    const Set end = close(set, at_start, true);
    return std::any_of(end.begin(), end.end(), [&](int i) { return nodes_[size_t(i)].op == Node::Op::Accept; });
  }

  /// Where each character leads: characters that lead to the same places are one edge.
  std::map<Set, CharSet> steps(const Set& from) const {
    std::set<char32_t> cuts;
    for (const int i : from) {
      for (const CharSet::Range& r : nodes_[size_t(i)].chars.ranges()) {
        cuts.insert(r.first);
        cuts.insert(r.last + 1);
      }
    }
    std::map<Set, std::vector<CharSet::Range>> ranges;
    for (auto cut = cuts.begin(); cut != cuts.end() && std::next(cut) != cuts.end(); ++cut) {
      Set to;
      for (const int i : from) {
        if (nodes_[size_t(i)].chars.contains(*cut)) to.insert(nodes_[size_t(i)].next[0]);
      }
      if (!to.empty()) ranges[std::move(to)].push_back({*cut, *std::next(cut) - 1});
    }
    std::map<Set, CharSet> out;
    for (auto& [to, list] : ranges) out.emplace(to, CharSet(std::move(list)));
    return out;
  }

  CharAutomaton determinise() const {
    CharAutomaton out;
    std::map<Set, int> numbers;
    std::vector<Set> sets;
    auto number = [&](Set set) {
      const auto [found, added] = numbers.try_emplace(std::move(set), int(sets.size()));
      if (added) sets.push_back(found->first);
      if (sets.size() > CharAutomaton::kMostStates) {
        fail(ErrorCode::UnsupportedOperation, "{}: the regular expression takes more than {} states; make it simpler",
             where_, CharAutomaton::kMostStates);
      }
      return found->second;
    };
    number(close({start_}, true, false));
    out.states.push_back({accepts(sets[0], true), {}});
    for (size_t i = 0; i < sets.size(); ++i) {
      for (const auto& [to, set] : steps(sets[i])) {
        const int target = number(close(to, false, false));
        if (size_t(target) >= out.states.size()) out.states.push_back({accepts(sets[size_t(target)], false), {}});
        out.states[i].edges.push_back({set, target});
      }
    }
    return out;
  }

  const std::string& where_;
  std::vector<Node> nodes_;
  int start_ = 0;
};

bool has_anchor(const Expr& expr) {
  return expr.kind == Expr::Kind::Rule || std::any_of(expr.parts.begin(), expr.parts.end(), has_anchor);
}

}  // namespace

CharAutomaton texts_matching(std::string_view pattern, const std::string& where) {
  return Machine(where).build(Parser(pattern, where).read());
}

std::optional<Expr> whole_text(std::string_view pattern, const std::string& where) {
  Expr all = Parser(pattern, where).read();
  if (all.parts.size() != 1) return std::nullopt;  // alternatives, each with anchors of its own
  std::vector<Expr>& parts = all.parts[0].parts;
  auto is = [](const Expr& part, int anchor) { return part.kind == Expr::Kind::Rule && part.rule == anchor; };
  if (parts.size() < 2 || !is(parts.front(), kTextStart) || !is(parts.back(), kTextEnd)) return std::nullopt;
  std::vector<Expr> inside(parts.begin() + 1, parts.end() - 1);
  if (std::any_of(inside.begin(), inside.end(), has_anchor)) return std::nullopt;
  return inside.size() == 1 ? inside[0] : sequence(std::move(inside));
}

}  // namespace apr::grammar
