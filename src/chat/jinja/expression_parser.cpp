#include "chat/jinja/expression_parser.h"

#include <charconv>
#include <cstdlib>

#include "base/printable.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/tests.h"

namespace apr::chat::jinja {

bool ExpressionParser::names_between(size_t first, std::string_view name) const {
  for (size_t i = first; i < next_; ++i) {
    if (tokens_[i].is(TokenKind::Name, name)) return true;
  }
  return false;
}

bool ExpressionParser::accept_name(std::string_view name) {
  if (!peek().is(TokenKind::Name, name)) return false;
  take();
  return true;
}
bool ExpressionParser::accept_operator(std::string_view op) {
  if (!peek().is(TokenKind::Operator, op)) return false;
  take();
  return true;
}

namespace {
std::string shown_token(const Token& t) {
  switch (t.kind) {
    case TokenKind::End:
      return "the end of the template";
    case TokenKind::Data:
      return "text";
    case TokenKind::BlockBegin:
      return "{%";
    case TokenKind::BlockEnd:
      return "%}";
    case TokenKind::ShowBegin:
      return "{{";
    case TokenKind::ShowEnd:
      return "}}";
    default:
      return "'" + printable(t.text, 40) + "'";
  }
}
}  // namespace

void ExpressionParser::refuse(std::string what) const { throw SyntaxTrouble{std::move(what), peek().place}; }
void ExpressionParser::expect_name(std::string_view name) {
  if (!accept_name(name)) refuse("found " + shown_token(peek()) + ", expected '" + std::string(name) + "'");
}
void ExpressionParser::expect_operator(std::string_view op) {
  if (!accept_operator(op)) refuse("found " + shown_token(peek()) + ", expected '" + std::string(op) + "'");
}
void ExpressionParser::expect(TokenKind kind, std::string_view shown) {
  if (peek().kind != kind) refuse("found " + shown_token(peek()) + ", expected " + std::string(shown));
  take();
}
std::string ExpressionParser::name_token(std::string_view what) {
  if (peek().kind != TokenKind::Name) refuse("found " + shown_token(peek()) + ", expected " + std::string(what));
  return take().text;
}

ExprPtr ExpressionParser::make(ExprKind kind) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->place = peek().place;
  return expr;
}
ExprPtr ExpressionParser::make(ExprKind kind, ExprPtr part) const {
  auto expr = make(kind);
  if (part) expr->place = part->place;
  expr->parts.push_back(std::move(part));
  return expr;
}
ExprPtr ExpressionParser::binary(Op op, ExprPtr left, ExprPtr right) const {
  auto expr = make(ExprKind::Binary, std::move(left));
  expr->ops.push_back(op);
  expr->parts.push_back(std::move(right));
  return expr;
}

ExprPtr ExpressionParser::tuple_or_expression(bool conditional, std::string_view end) {
  const Place place = peek().place;
  ExprPtr first = expression(conditional);
  if (!peek().is(TokenKind::Operator, ",")) return first;
  auto tuple = make(ExprKind::Tuple, std::move(first));
  tuple->place = place;
  while (accept_operator(",")) {
    const Token& t = peek();
    if (t.kind == TokenKind::ShowEnd || t.kind == TokenKind::BlockEnd || t.is(TokenKind::Operator, ")") ||
        (!end.empty() && t.is(TokenKind::Name, end)))
      break;
    tuple->parts.push_back(expression(conditional));
  }
  return tuple;
}

ExprPtr ExpressionParser::expression(bool with_conditional) {
  const Level level(*this);
  return with_conditional ? conditional() : either();
}

void ExpressionParser::note_missing(std::string_view kind, const std::string& name, Place place) {
  if (skippable_ == 0 && !missing_)
    missing_ = SyntaxTrouble{fmt::format("there is no {} '{}'", kind, printable(name, 40)), place};
}

ExprPtr ExpressionParser::conditional() {
  const bool missed = missing_.has_value();
  ExprPtr value = either();
  if (!missed && peek().is(TokenKind::Name, "if")) missing_.reset();  // it may never be reached
  for (size_t count = 0; peek().is(TokenKind::Name, "if"); ++count) {
    const Level level(*this);
    if (count == 100) refuse("too many conditions in a row");
    take();
    const MaybeSkipped maybe(*this);
    auto expr = make(ExprKind::Conditional, std::move(value));
    expr->parts.push_back(either());
    expr->parts.push_back(accept_name("else") ? conditional() : nullptr);
    value = std::move(expr);
  }
  return value;
}

// Chains of these lean to the left, and so does the tree: they are bounded because its depth must be.
namespace {
constexpr int kLongestChain = 60;
}

ExprPtr ExpressionParser::either() {
  ExprPtr left = both();
  if (!peek().is(TokenKind::Name, "or")) return left;
  auto expr = make(ExprKind::Or, std::move(left));
  while (accept_name("or")) expr->parts.push_back(both());
  return expr;
}

ExprPtr ExpressionParser::both() {
  ExprPtr left = negation();
  if (!peek().is(TokenKind::Name, "and")) return left;
  auto expr = make(ExprKind::And, std::move(left));
  while (accept_name("and")) expr->parts.push_back(negation());
  return expr;
}

ExprPtr ExpressionParser::negation() {
  if (!peek().is(TokenKind::Name, "not")) return comparison();
  const Level level(*this);
  auto expr = make(ExprKind::Not);
  take();
  expr->parts.push_back(negation());
  return expr;
}

ExprPtr ExpressionParser::comparison() {
  ExprPtr left = sum();
  ExprPtr chain;
  for (;;) {
    Op op;
    const Token& t = peek();
    if (t.kind == TokenKind::Operator && t.text == "==") {
      op = Op::Equal;
    } else if (t.kind == TokenKind::Operator && t.text == "!=") {
      op = Op::NotEqual;
    } else if (t.kind == TokenKind::Operator && t.text == "<") {
      op = Op::Less;
    } else if (t.kind == TokenKind::Operator && t.text == "<=") {
      op = Op::LessEqual;
    } else if (t.kind == TokenKind::Operator && t.text == ">") {
      op = Op::Greater;
    } else if (t.kind == TokenKind::Operator && t.text == ">=") {
      op = Op::GreaterEqual;
    } else if (t.is(TokenKind::Name, "in")) {
      op = Op::In;
    } else if (t.is(TokenKind::Name, "not") && peek(1).is(TokenKind::Name, "in")) {
      take();
      op = Op::NotIn;
    } else {
      return chain ? std::move(chain) : std::move(left);
    }
    take();
    if (!chain) chain = make(ExprKind::Compare, std::move(left));
    chain->ops.push_back(op);
    chain->parts.push_back(sum());
  }
}

ExprPtr ExpressionParser::sum() {
  ExprPtr left = concatenation();
  for (int n = 0;; ++n) {
    if (n > kLongestChain) refuse("an expression is too long");
    if (accept_operator("+")) {
      left = binary(Op::Add, std::move(left), concatenation());
    } else if (accept_operator("-")) {
      left = binary(Op::Subtract, std::move(left), concatenation());
    } else {
      return left;
    }
  }
}

ExprPtr ExpressionParser::concatenation() {
  ExprPtr left = product();
  if (!peek().is(TokenKind::Operator, "~")) return left;
  auto expr = make(ExprKind::Concat, std::move(left));
  while (accept_operator("~")) expr->parts.push_back(product());
  return expr;
}

ExprPtr ExpressionParser::product() {
  ExprPtr left = power();
  for (int n = 0;; ++n) {
    if (n > kLongestChain) refuse("an expression is too long");
    if (accept_operator("*")) {
      left = binary(Op::Multiply, std::move(left), power());
    } else if (accept_operator("/")) {
      left = binary(Op::Divide, std::move(left), power());
    } else if (accept_operator("//")) {
      left = binary(Op::FloorDivide, std::move(left), power());
    } else if (accept_operator("%")) {
      left = binary(Op::Modulo, std::move(left), power());
    } else {
      return left;
    }
  }
}

ExprPtr ExpressionParser::power() {
  ExprPtr left = unary();
  for (int n = 0; accept_operator("**"); ++n) {
    if (n > kLongestChain) refuse("an expression is too long");
    left = binary(Op::Power, std::move(left), unary());
  }
  return left;
}

ExprPtr ExpressionParser::unary(bool with_filters) {
  ExprPtr node;
  if (peek().is(TokenKind::Operator, "-") || peek().is(TokenKind::Operator, "+")) {
    const Level level(*this);
    node = make(peek().text == "-" ? ExprKind::Negative : ExprKind::Positive);
    take();
    node->parts.push_back(unary(false));
  } else {
    node = primary();
  }
  node = postfix(std::move(node));
  return with_filters ? filters_and_tests(std::move(node)) : std::move(node);
}

ExprPtr ExpressionParser::number() {
  auto expr = make(ExprKind::Literal);
  const Token& t = take();
  const std::string& s = t.text;
  if (t.kind == TokenKind::Float) {
    expr->value = Value::real(std::strtod(s.c_str(), nullptr));
    return expr;
  }
  const char base = s.size() > 1 ? char(s[1] | 0x20) : ' ';
  const int radix = base == 'x' ? 16 : base == 'o' ? 8 : base == 'b' ? 2 : 10;
  const char* first = s.data() + (radix == 10 ? 0 : 2);
  int64_t value = 0;
  const auto [stop, error] = std::from_chars(first, s.data() + s.size(), value, radix);
  if (error != std::errc() || stop != s.data() + s.size())
    throw SyntaxTrouble{"the number " + printable(s, 40) + " is beyond 64 bits", t.place};
  expr->value = Value::integer(value);
  return expr;
}

ExprPtr ExpressionParser::primary() {
  const Token& t = peek();
  if (t.kind == TokenKind::Integer || t.kind == TokenKind::Float) return number();
  if (t.kind == TokenKind::String) {
    auto expr = make(ExprKind::Literal);
    std::string text;
    while (peek().kind == TokenKind::String) text += take().text;
    expr->value = Value::string(text, Origin::Markup);
    return expr;
  }
  if (t.kind == TokenKind::Name) {
    auto expr = make(ExprKind::Literal);
    const std::string name = take().text;
    if (name == "true" || name == "True") {
      expr->value = Value::boolean(true);
    } else if (name == "false" || name == "False") {
      expr->value = Value::boolean(false);
    } else if (name == "none" || name == "None") {
      expr->value = Value::none();
    } else {
      expr->kind = ExprKind::Name;
      expr->name = name;
    }
    return expr;
  }
  if (t.is(TokenKind::Operator, "(") || t.is(TokenKind::Operator, "[")) return bracketed();
  if (t.is(TokenKind::Operator, "{")) return dictionary();
  refuse("found " + shown_token(t) + ", expected an expression");
}

ExprPtr ExpressionParser::bracketed() {
  const Level level(*this);
  const bool list = take().text == "[";
  const std::string_view close = list ? "]" : ")";
  auto expr = make(list ? ExprKind::List : ExprKind::Tuple);
  bool comma = false;
  while (!peek().is(TokenKind::Operator, close)) {
    if (!expr->parts.empty()) {
      expect_operator(",");
      comma = true;
      if (peek().is(TokenKind::Operator, close)) break;
    }
    expr->parts.push_back(expression());
  }
  expect_operator(close);
  if (!list && expr->parts.size() == 1 && !comma) return std::move(expr->parts[0]);  // no more than brackets
  return expr;
}

ExprPtr ExpressionParser::dictionary() {
  const Level level(*this);
  auto expr = make(ExprKind::Dict);
  take();
  while (!peek().is(TokenKind::Operator, "}")) {
    if (!expr->parts.empty()) {
      expect_operator(",");
      if (peek().is(TokenKind::Operator, "}")) break;
    }
    expr->parts.push_back(expression());
    expect_operator(":");
    expr->parts.push_back(expression());
  }
  expect_operator("}");
  return expr;
}

ExprPtr ExpressionParser::postfix(ExprPtr node) {
  for (int n = 0;; ++n) {
    if (n > kLongestChain) refuse("an expression is too long");
    const Token& t = peek();
    if (t.is(TokenKind::Operator, ".") || t.is(TokenKind::Operator, "[")) {
      node = subscript(std::move(node));
    } else if (t.is(TokenKind::Operator, "(")) {
      node = call(std::move(node));
    } else {
      return node;
    }
  }
}

ExprPtr ExpressionParser::subscript(ExprPtr operand) {
  if (take().text == ".") {
    if (peek().kind == TokenKind::Integer) {  // x.0
      auto expr = make(ExprKind::Item, std::move(operand));
      expr->parts.push_back(number());
      return expr;
    }
    auto expr = make(ExprKind::Attribute, std::move(operand));
    expr->name = name_token("an attribute");
    return expr;
  }
  const Level level(*this);
  ExprPtr part[3];
  int colons = 0;
  while (!peek().is(TokenKind::Operator, "]")) {
    if (accept_operator(":")) {
      if (++colons > 2) refuse("a slice has at most three parts");
      continue;
    }
    if (part[colons]) refuse("found " + shown_token(peek()) + ", expected ']'");
    part[colons] = colons == 0 ? tuple_or_expression() : expression();
  }
  if (colons == 0 && !part[0]) refuse("found ']', expected an index");
  expect_operator("]");
  auto expr = make(colons == 0 ? ExprKind::Item : ExprKind::Slice, std::move(operand));
  for (int i = 0; i < (colons == 0 ? 1 : 3); ++i) expr->parts.push_back(std::move(part[i]));
  return expr;
}

WrittenArguments ExpressionParser::arguments() {
  const Level level(*this);
  WrittenArguments all;
  expect_operator("(");
  for (bool first = true; !peek().is(TokenKind::Operator, ")"); first = false) {
    if (!first) expect_operator(",");
    if (peek().is(TokenKind::Operator, ")")) break;
    if (accept_operator("**")) {
      if (all.dict) refuse("** stands twice");
      all.dict = expression();
    } else if (accept_operator("*")) {
      if (all.list || all.dict) refuse("* stands twice, or behind **");
      all.list = expression();
    } else if (peek().kind == TokenKind::Name && peek(1).is(TokenKind::Operator, "=")) {
      std::string name = take().text;
      take();
      all.named.emplace_back(std::move(name), expression());
    } else {
      if (!all.named.empty() || all.list || all.dict) refuse("an argument without a name stands behind named ones");
      all.positional.push_back(expression());
    }
  }
  expect_operator(")");
  return all;
}

ExprPtr ExpressionParser::call(ExprPtr operand) {
  auto expr = make(ExprKind::Call, std::move(operand));
  expr->arguments = arguments();
  return expr;
}

ExprPtr ExpressionParser::filters_and_tests(ExprPtr node) {
  for (int n = 0;; ++n) {
    if (n > kLongestChain) refuse("an expression is too long");
    if (accept_operator("|")) {
      node = filter(std::move(node));
    } else if (accept_name("is")) {
      node = test(std::move(node));
    } else if (peek().is(TokenKind::Operator, "(")) {
      node = call(std::move(node));
    } else {
      return node;
    }
  }
}

ExprPtr ExpressionParser::filters_on(ExprPtr node) {
  node = filter(std::move(node));
  for (int n = 0; accept_operator("|"); ++n) {
    if (n > kLongestChain) refuse("an expression is too long");
    node = filter(std::move(node));
  }
  return node;
}

std::string ExpressionParser::dotted_name(std::string_view what) {
  std::string name = name_token(what);
  while (accept_operator(".")) name += "." + name_token(what);
  return name;
}

ExprPtr ExpressionParser::filter(ExprPtr operand) {
  const Place place = peek().place;
  auto expr = make(ExprKind::Filter, std::move(operand));
  expr->place = place;
  expr->name = dotted_name("a filter");
  expr->filter = find_filter(expr->name);
  if (!expr->filter) note_missing("filter", expr->name, place);
  if (peek().is(TokenKind::Operator, "(")) expr->arguments = arguments();
  return expr;
}

ExprPtr ExpressionParser::test(ExprPtr operand) {
  const bool negated = accept_name("not");
  const Place place = peek().place;
  auto expr = make(ExprKind::Test, std::move(operand));
  expr->place = place;
  expr->name = dotted_name("a test");
  expr->test = find_test(expr->name);
  if (!expr->test) note_missing("test", expr->name, place);
  const Token& t = peek();
  if (t.is(TokenKind::Operator, "(")) {
    expr->arguments = arguments();
  } else if (t.kind == TokenKind::String || t.kind == TokenKind::Integer || t.kind == TokenKind::Float ||
             t.is(TokenKind::Operator, "[") || t.is(TokenKind::Operator, "{") ||
             (t.kind == TokenKind::Name && t.text != "else" && t.text != "or" && t.text != "and")) {
    if (t.is(TokenKind::Name, "is")) refuse("tests cannot be chained with 'is'");
    expr->arguments.positional.push_back(postfix(primary()));
  }
  return negated ? make(ExprKind::Not, std::move(expr)) : std::move(expr);
}

}  // namespace apr::chat::jinja
