#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/ast.h"

namespace apr::chat::jinja {

/// Reads expressions: from the weakest operator (a conditional) to the strongest.
class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view source) : tokens_(tokenize(source)) {}

 protected:
  /// One level deeper while it lives. Bounds recursion here, and in whatever walks the tree.
  class Level {
   public:
    explicit Level(ExpressionParser& p) : p_(p) {
      if (++p_.depth_ > kDeepest) p_.refuse("nested too deep");
    }
    ~Level() { --p_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    static constexpr int kDeepest = 80;
    ExpressionParser& p_;
  };
  /// While it lives, what is read may never be reached: a filter or test that is not there is no error yet.
  class MaybeSkipped {
   public:
    explicit MaybeSkipped(ExpressionParser& p) : p_(p) { ++p_.skippable_; }
    ~MaybeSkipped() { --p_.skippable_; }
    MaybeSkipped(const MaybeSkipped&) = delete;
    MaybeSkipped& operator=(const MaybeSkipped&) = delete;

   private:
    ExpressionParser& p_;
  };

  const Token& peek(size_t ahead = 0) const { return tokens_[std::min(next_ + ahead, tokens_.size() - 1)]; }
  const Token& take() { return tokens_[next_ + 1 < tokens_.size() ? next_++ : next_]; }
  bool at_end() const { return peek().kind == TokenKind::End; }
  size_t position() const { return next_; }
  /// Whether a name stands between token `first` and here.
  bool names_between(size_t first, std::string_view name) const;
  bool accept_name(std::string_view name);
  bool accept_operator(std::string_view op);
  void expect_name(std::string_view name);
  void expect_operator(std::string_view op);
  void expect(TokenKind kind, std::string_view shown);
  std::string name_token(std::string_view what);
  [[noreturn]] void refuse(std::string what) const;
  /// At the template's end: refuses it if it needs filters or tests that are not there.
  void refuse_missing() const {
    if (missing_) throw *missing_;
  }

  ExprPtr expression(bool conditional = true);
  /// Several expressions with commas between them make a tuple; `end` is a name that ends the list.
  ExprPtr tuple_or_expression(bool conditional = true, std::string_view end = {});
  /// name(arguments) | name … on an operand; "|" before the first has been read.
  ExprPtr filters_on(ExprPtr operand);

 private:
  void note_missing(std::string_view kind, const std::string& name, Place place);
  ExprPtr make(ExprKind kind) const;
  ExprPtr make(ExprKind kind, ExprPtr part) const;
  ExprPtr binary(Op op, ExprPtr left, ExprPtr right) const;
  ExprPtr conditional();
  ExprPtr either();
  ExprPtr both();
  ExprPtr negation();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filters = true);
  ExprPtr primary();
  ExprPtr bracketed();
  ExprPtr dictionary();
  ExprPtr postfix(ExprPtr operand);
  ExprPtr subscript(ExprPtr operand);
  ExprPtr call(ExprPtr operand);
  ExprPtr filters_and_tests(ExprPtr operand);
  ExprPtr filter(ExprPtr operand);
  ExprPtr test(ExprPtr operand);
  ExprPtr number();
  WrittenArguments arguments();
  std::string dotted_name(std::string_view what);

  std::vector<Token> tokens_;
  size_t next_ = 0;
  int depth_ = 0, skippable_ = 0;
  std::optional<SyntaxTrouble> missing_;  // the first filter or test that is not there and will be reached
};

}  // namespace apr::chat::jinja
