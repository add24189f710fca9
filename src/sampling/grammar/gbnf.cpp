#include "sampling/grammar/gbnf.h"

#include <charconv>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/printable.h"

namespace apr::grammar {
namespace {

constexpr int kDeepest = 200;
constexpr uint32_t kMostTurns = 1'000'000;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Rules read() {
    skip(true);
    while (!at_end()) {
      read_rule();
      skip(true);
    }
    for (const auto& [name, known] : names_) {
      if (!known.defined) {
        at_ = known.first_use;
        wrong(fmt::format("rule '{}' is used, but not defined", name));
      }
    }
    const auto root = names_.find("root");
    if (root == names_.end())
      fail(ErrorCode::BadInput, "grammar: there is no rule 'root', which says what the whole text is; add root ::= …");
    rules_.root = root->second.number;
    return std::move(rules_);
  }

 private:
  struct Known {
    int number;
    bool defined = false;
    size_t first_use = 0;
  };

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }

  [[noreturn]] void wrong(std::string_view what) const {
    size_t line = 1, start = 0;
    for (size_t i = 0; i < std::min(at_, text_.size()); ++i) {
      if (text_[i] == '\n') ++line, start = i + 1;
    }
    fail(ErrorCode::BadInput, "grammar, line {}, column {}: {}", line, at_ - start + 1, what);
  }
  std::string found() const {
    if (at_end()) return "the end";
    if (peek() == '\n' || peek() == '\r') return "the end of the line";
    return fmt::format("'{}'", printable(utf8(characters(text_.substr(at_, 4))[0])));
  }

  /// Spaces and comments, and with `lines` the ends of lines.
  void skip(bool lines) {
    for (; !at_end(); ++at_) {
      if (peek() == '#') {
        while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
        if (at_end()) return;
      }
      const bool line = peek() == '\n' || peek() == '\r';
      if (line ? !lines : peek() != ' ' && peek() != '\t') return;
    }
  }

  std::string_view read_name() {
    const size_t start = at_;
    while (!at_end() && is_name(peek())) ++at_;
    if (start == at_) wrong(fmt::format("found {}, expected the name of a rule", found()));
    return text_.substr(start, at_ - start);
  }

  Known& known(std::string_view name, size_t use) {
    const auto [entry, added] = names_.try_emplace(std::string(name), Known{-1, false, use});
    if (added) entry->second.number = rules_.add(std::string(name));
    return entry->second;
  }

  void read_rule() {
    const size_t start = at_;
    const std::string_view name = read_name();
    Known& entry = known(name, start);
    if (entry.defined) {
      at_ = start;
      wrong(fmt::format("rule '{}' is defined twice", name));
    }
    entry.defined = true;
    const int number = entry.number;
    skip(false);
    if (!take("::=")) wrong(fmt::format("found {}, expected ::= after '{}'", found(), name));
    skip(true);
    rules_.define(number, read_choice(0));
    if (!at_end() && peek() != '\n' && peek() != '\r')
      wrong(fmt::format("found {}, expected the rule to go on or its line to end", found()));
  }

  Expr read_choice(int depth) {
    if (depth > kDeepest) wrong(fmt::format("parentheses stand more than {} deep", kDeepest));
    std::vector<Expr> ways;
    do {
      skip(true);
      ways.push_back(read_sequence(depth));
    } while (take("|"));
    return ways.size() == 1 ? std::move(ways[0]) : choice(std::move(ways));
  }

  Expr read_sequence(int depth) {
    std::vector<Expr> parts;
    while (true) {
      skip(depth > 0);
      std::optional<Expr> part = read_part(depth);
      if (!part) return sequence(std::move(parts));
      parts.push_back(read_turns(std::move(*part)));
    }
  }

  std::optional<Expr> read_part(int depth) {
    if (take("\"")) return read_text();
    if (take("[")) return read_set();
    if (take(".")) return chars(CharSet::all());
    if (take("(")) {
      Expr inner = read_choice(depth + 1);
      skip(true);
      if (!take(")")) wrong(fmt::format("found {}, expected )", found()));
      return inner;
    }
    if (peek() == '<' || peek() == '!') {
      fail(ErrorCode::UnsupportedOperation,
           "grammar: tokens named in a grammar, as {} seems to begin, are not built; write their text in quotes",
           found());
    }
    if (is_name(peek())) {
      const size_t start = at_;
      const std::string_view name = read_name();
      return rule(known(name, start).number);
    }
    return std::nullopt;
  }

  Expr read_turns(Expr part) {
    while (true) {
      if (take("*")) {
        part = repeat(std::move(part), 0);
      } else if (take("+")) {
        part = repeat(std::move(part), 1);
      } else if (take("?")) {
        part = maybe(std::move(part));
      } else if (take("{")) {
        part = read_count(std::move(part));
      } else {
        return part;
      }
      if (++nested_turns_ > kDeepest) wrong("there are too many repetitions of repetitions");
      skip_spaces_before_turns();
    }
  }
  /// `"a" *` is one part; but a line's end ends a rule.
  void skip_spaces_before_turns() {
    const size_t start = at_;
    skip(false);
    if (peek() != '*' && peek() != '+' && peek() != '?' && peek() != '{') {
      at_ = start;
      nested_turns_ = 0;
    }
  }

  Expr read_count(Expr part) {
    skip(false);
    const uint32_t least = read_number();
    uint32_t most = least;
    skip(false);
    if (take(",")) {
      skip(false);
      most = peek() == '}' ? Expr::kEndless : read_number();
      skip(false);
    }
    if (!take("}")) wrong(fmt::format("found {}, expected }} after the number of repetitions", found()));
    if (least > most) wrong(fmt::format("{{{},{}}}: the first number is larger than the second", least, most));
    return repeat(std::move(part), least, most);
  }

  uint32_t read_number() {
    uint32_t n = 0;
    const char* start = text_.data() + at_;
    const auto [end, error] = std::from_chars(start, text_.data() + text_.size(), n);
    if (end == start) wrong(fmt::format("found {}, expected a number", found()));
    if (error != std::errc() || n > kMostTurns) wrong(fmt::format("more than {} repetitions", kMostTurns));
    at_ += size_t(end - start);
    return n;
  }

  Expr read_text() {
    std::string text;
    while (!take("\"")) text += utf8(read_char("the text's closing quote"));
    return bytes(text);
  }

  Expr read_set() {
    const bool inverse = take("^");
    std::vector<CharSet::Range> ranges;
    while (!take("]")) {
      const size_t start = at_;
      const char32_t first = read_char("]");
      char32_t last = first;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        last = read_char("the end of the range");
      }
      if (first > last) {
        at_ = start;
        wrong("the range ends before it begins");
      }
      ranges.push_back({first, last});
    }
    const CharSet set(std::move(ranges));
    return chars(inverse ? ~set : set);
  }

  char32_t read_char(std::string_view missing) {
    if (at_end() || peek() == '\n' || peek() == '\r') wrong(fmt::format("found {}, expected {}", found(), missing));
    if (take("\\")) return read_escape();
    const char32_t c = characters(text_.substr(at_, 4))[0];
    const std::string whole = utf8(c);
    if (!take(whole)) wrong("a byte that is no UTF-8");
    return c;
  }

  char32_t read_escape() {
    const char c = peek();
    if (!at_end()) ++at_;
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'x':
        return read_hex(2);
      case 'u':
        return read_hex(4);
      case 'U':
        return read_hex(8);
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return char32_t(c);
      default:
        --at_;
        wrong(fmt::format(
            "\\ is followed by {}; known are \\n \\r \\t \\\\ \\\" \\[ \\] \\- \\^ \\xHH \\uHHHH \\UHHHHHHHH",
            found()));
    }
  }

  char32_t read_hex(size_t digits) {
    uint32_t c = 0;
    const std::string_view hex = text_.substr(at_, digits);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), c, 16);
    if (hex.size() < digits || error != std::errc() || end != hex.data() + digits)
      wrong(fmt::format("expected {} hexadecimal digits", digits));
    if (c > kLastChar || (c >= 0xD800 && c <= 0xDFFF)) wrong(fmt::format("U+{:04X} is no character", c));
    at_ += digits;
    return char32_t(c);
  }

  std::string_view text_;
  size_t at_ = 0;
  int nested_turns_ = 0;
  Rules rules_;
  std::map<std::string, Known, std::less<>> names_;
};

}  // namespace

Rules read_gbnf(std::string_view text) { return Parser(text).read(); }

}  // namespace apr::grammar
