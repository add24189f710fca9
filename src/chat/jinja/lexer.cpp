#include "chat/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/printable.h"
#include "chat/jinja/text.h"

namespace apr::chat::jinja {
namespace {

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) { return is_name_start(c) || is_digit(c); }

/// Newlines of all kinds become \n, and one at the very end is dropped.
std::string normal_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normal_newlines(source)), text_(source_) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) {
      const size_t open = find_opening(at_);
      data(at_, open);
      if (open == std::string_view::npos) break;
      at_ = open;
      open_tag();
    }
    add(TokenKind::End, "");
    return std::move(tokens_);
  }

 private:
  // A sign after an opening or before a closing says what happens to the spaces outside.
  static char sign_at(std::string_view text, size_t at) {
    return at < text.size() && (text[at] == '-' || text[at] == '+') ? text[at] : 0;
  }

  size_t find_opening(size_t from) const {
    for (size_t at = text_.find('{', from); at != std::string_view::npos && at + 1 < text_.size();
         at = text_.find('{', at + 1)) {
      const char c = text_[at + 1];
      if (c == '{' || c == '%' || c == '#') return at;
    }
    return std::string_view::npos;
  }

  /// Text between tags, less what the tag at `end` strips from it.
  void data(size_t begin, size_t end) {
    std::string_view piece = text_.substr(begin, end == std::string_view::npos ? end : end - begin);
    if (end != std::string_view::npos) {
      const char sign = sign_at(text_, end + 2);
      if (sign == '-') {
        piece = without_trailing_space(piece);
      } else if (sign != '+' && text_[end + 1] != '{') {
        piece = without_indentation(piece);
      }
    }
    if (!piece.empty()) add(TokenKind::Data, std::string(piece), begin);
  }

  static std::string_view without_trailing_space(std::string_view piece) {
    while (!piece.empty()) {
      const size_t before = previous_char(piece, piece.size());
      if (!is_space(code_point(piece, before))) break;
      piece = piece.substr(0, before);
    }
    return piece;
  }

  /// Without the spaces of a last line that has nothing else.
  std::string_view without_indentation(std::string_view piece) const {
    const size_t line = piece.rfind('\n') + 1;  // 0 where there is none
    if (line == 0 && !line_starting_) return piece;
    for (size_t i = line; i < piece.size(); i = next_char(piece, i)) {
      if (!is_space(code_point(piece, i))) return piece;
    }
    return piece.substr(0, line);
  }

  void open_tag() {
    const size_t begin = at_;
    const char kind = text_[begin + 1];
    at_ += 2;
    if (sign_at(text_, at_)) ++at_;
    if (kind == '#') {
      comment(begin);
    } else if (kind == '%' && raw_follows()) {
      raw(begin);
    } else {
      add(kind == '%' ? TokenKind::BlockBegin : TokenKind::ShowBegin, "", begin);
      inside(kind == '%' ? '%' : '}', begin);
    }
  }

  void comment(size_t begin) {
    const size_t end = text_.find("#}", at_);
    if (end == std::string_view::npos) fail_at("comment: it is never closed, expected #}", begin);
    const char sign = end > at_ ? sign_at(text_, end - 1) : 0;
    at_ = end + 2;
    after_block(sign);
  }

  /// What a block's or comment's end takes of the text behind it.
  void after_block(char sign) {
    line_starting_ = false;
    if (sign == '-') {
      skip_space();
    } else if (sign != '+' && at_ < text_.size() && text_[at_] == '\n') {
      ++at_;
      line_starting_ = true;
    }
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(code_point(text_, at_))) {
      line_starting_ = text_[at_] == '\n';
      at_ = next_char(text_, at_);
    }
  }

  size_t past_space(size_t at) const {
    while (at < text_.size() && is_space(code_point(text_, at))) at = next_char(text_, at);
    return at;
  }

  /// At what stands behind "{%": the end of a tag of that one name, or nothing.
  struct Tag {
    size_t end;
    char sign;
  };
  std::optional<Tag> tag_of(std::string_view name, size_t at) const {
    at = past_space(at);
    if (text_.substr(at, name.size()) != name) return std::nullopt;
    at = past_space(at + name.size());
    const char sign = sign_at(text_, at);
    if (sign) ++at;
    if (text_.substr(at, 2) != "%}") return std::nullopt;
    return Tag{at + 2, sign};
  }
  bool raw_follows() const { return tag_of("raw", at_).has_value(); }

  void raw(size_t begin) {
    const Tag open = *tag_of("raw", at_);
    at_ = open.end;
    line_starting_ = false;
    if (open.sign == '-') skip_space();
    const size_t from = at_;
    for (size_t end = text_.find("{%", from); end != std::string_view::npos; end = text_.find("{%", end + 2)) {
      const bool signed_tag = sign_at(text_, end + 2) != 0;
      const auto close = tag_of("endraw", end + 2 + signed_tag);
      if (!close) continue;
      data(from, end);
      at_ = close->end;
      after_block(close->sign);
      return;
    }
    fail_at("raw: it is never closed, expected {% endraw %}", begin);
  }

  /// The tokens of an expression or statement, to its end. Brackets must match.
  void inside(char closing, size_t begin) {
    std::vector<char> brackets;
    for (;;) {
      at_ = past_space(at_);
      if (at_ >= text_.size()) fail_at("tag: it is never closed", begin);
      if (brackets.empty() && closes(closing)) return;
      const size_t start = at_;
      const char c = text_[at_];
      if (is_name_start(c)) {
        while (at_ < text_.size() && is_name(text_[at_])) ++at_;
        add(TokenKind::Name, std::string(text_.substr(start, at_ - start)), start);
      } else if (is_digit(c)) {
        number();
      } else if (c == '"' || c == '\'') {
        string();
      } else {
        operator_token(brackets);
      }
    }
  }

  bool closes(char closing) {
    const char sign = sign_at(text_, at_);
    const size_t end = at_ + (sign ? 1 : 0);
    if (end + 1 >= text_.size() || text_[end] != closing || text_[end + 1] != '}') return false;
    if (closing == '}' && sign == '+') return false;
    add(closing == '%' ? TokenKind::BlockEnd : TokenKind::ShowEnd, "", at_);
    at_ = end + 2;
    if (closing == '%') {
      after_block(sign);
    } else {
      line_starting_ = false;
      if (sign == '-') skip_space();
    }
    return true;
  }

  void number() {
    const size_t start = at_;
    auto digits = [&](auto allowed) {
      while (at_ < text_.size() &&
             (allowed(text_[at_]) || (text_[at_] == '_' && at_ + 1 < text_.size() && allowed(text_[at_ + 1]))))
        ++at_;
    };
    auto add_number = [&](TokenKind kind) {
      std::string text(text_.substr(start, at_ - start));
      std::erase(text, '_');
      add(kind, std::move(text), start);
    };
    if (text_[at_] == '0' && at_ + 1 < text_.size()) {
      const char base = char(text_[at_ + 1] | 0x20);
      if (base == 'x' || base == 'o' || base == 'b') {
        at_ += 2;
        digits([&](char c) {
          if (base == 'x') return is_digit(c) || (char(c | 0x20) >= 'a' && char(c | 0x20) <= 'f');
          return c >= '0' && c <= (base == 'o' ? '7' : '1');
        });
        return add_number(TokenKind::Integer);
      }
    }
    digits(is_digit);
    if (start > 0 && text_[start - 1] == '.') return add_number(TokenKind::Integer);  // x.0.1 has two indices
    bool real = false;
    if (at_ + 1 < text_.size() && text_[at_] == '.' && is_digit(text_[at_ + 1])) {
      real = true;
      ++at_;
      digits(is_digit);
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      size_t power = at_ + 1;
      if (sign_at(text_, power)) ++power;
      if (power < text_.size() && is_digit(text_[power])) {
        real = true;
        at_ = power;
        digits(is_digit);
      }
    }
    add_number(real ? TokenKind::Float : TokenKind::Integer);
  }

  void string() {
    const size_t start = at_;
    const char quote = text_[at_++];
    std::string out;
    for (;;) {
      if (at_ >= text_.size()) fail_at("string: it is never closed", start);
      const char c = text_[at_++];
      if (c == quote) break;
      if (c != '\\') {
        out += c;
      } else if (at_ < text_.size()) {
        escape(out, start);
      }
    }
    add(TokenKind::String, std::move(out), start);
  }

  /// As Python's: what is no escape keeps its backslash.
  void escape(std::string& out, size_t start) {
    constexpr std::string_view names = "abfnrtv\\'\"";
    constexpr std::string_view meant = "\a\b\f\n\r\t\v\\'\"";
    const char c = text_[at_++];
    if (const size_t i = names.find(c); i != names.npos) {
      out += meant[i];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      append_utf8(out, code(c == 'x' ? 2 : c == 'u' ? 4 : 8, start));
    } else if (c >= '0' && c <= '7') {
      char32_t value = char32_t(c - '0');
      for (int i = 0; i < 2 && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; ++i)
        value = value * 8 + char32_t(text_[at_++] - '0');
      append_utf8(out, value);
    } else if (c == 'N') {
      fail_at("string: \\N{…} is not supported; write the character itself", start);
    } else if (c != '\n') {
      out += '\\';
      out += c;
    }
  }

  char32_t code(int digits, size_t start) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : ' ';
      const char low = char(c | 0x20);
      if (!is_digit(c) && !(low >= 'a' && low <= 'f')) fail_at("string: an escape lacks hexadecimal digits", start);
      value = value * 16 + char32_t(is_digit(c) ? c - '0' : low - 'a' + 10);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail_at("string: an escape is no character", start);
    return value;
  }

  void operator_token(std::vector<char>& brackets) {
    constexpr std::array<std::string_view, 25> operators = {"**", "//", "==", "!=", "<=", ">=", "+", "-", "*",
                                                            "/",  "%",  "~",  "<",  ">",  "=",  ".", ":", "|",
                                                            ",",  ";",  "(",  ")",  "[",  "]",  "{"};
    const size_t start = at_;
    const std::string_view rest = text_.substr(at_);
    std::string_view found = rest.starts_with('}') ? rest.substr(0, 1) : std::string_view();
    for (const std::string_view op : operators) {
      if (found.empty() && rest.starts_with(op)) found = op;
    }
    if (found.empty())
      fail_at("unexpected character '" + printable(rest.substr(0, next_char(rest, 0)), 8) + "'", start);
    const char c = found[0];
    if (c == '(' || c == '[' || c == '{') brackets.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty() || brackets.back() != c) {
        fail_at(std::string("unexpected '") + c + "'" +
                    (brackets.empty() ? "" : std::string(", expected '") + brackets.back() + "'"),
                start);
      }
      brackets.pop_back();
    }
    at_ += found.size();
    add(TokenKind::Operator, std::string(found), start);
  }

  Place place_of(size_t at) {
    for (; counted_ < at; ++counted_) {  // tokens come in order, so every byte is looked at once
      if (text_[counted_] == '\n') {
        ++place_.line;
        place_.column = 1;
      } else if ((text_[counted_] & 0xC0) != 0x80) {
        ++place_.column;
      }
    }
    return place_;
  }
  void add(TokenKind kind, std::string text, size_t at = std::string_view::npos) {
    tokens_.push_back({kind, std::move(text), place_of(std::min(at, text_.size()))});
  }
  [[noreturn]] void fail_at(std::string what, size_t at) {
    place_ = {};
    counted_ = 0;
    throw SyntaxTrouble{std::move(what), place_of(at)};
  }

  std::string source_;
  std::string_view text_;
  size_t at_ = 0, counted_ = 0;
  bool line_starting_ = true;  // what comes next begins a line
  Place place_;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace apr::chat::jinja
