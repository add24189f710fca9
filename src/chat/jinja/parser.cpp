#include "chat/jinja/parser.h"

#include <algorithm>

#include "base/printable.h"
#include "chat/jinja/expression_parser.h"

namespace apr::chat::jinja {
namespace {

/// Statements. Expressions are ExpressionParser's.
class Parser : ExpressionParser {
 public:
  explicit Parser(std::string_view source) : ExpressionParser(source) {}

  Body run() {
    Body body = until({});
    refuse_missing();
    return body;
  }

 private:
  using Names = std::initializer_list<std::string_view>;

  /// Statements up to a tag with one of these names, whose name is left to be read.
  Body until(Names ends) {
    const Level level(*this);
    Body body;
    for (;;) {
      const Token& t = peek();
      if (t.kind == TokenKind::End) {
        if (ends.size() > 0) refuse("the template ends here, expected {% " + std::string(*(ends.end() - 1)) + " %}");
        return body;
      }
      if (t.kind == TokenKind::Data) {
        auto data = make(StmtKind::Data);
        data->data = take().text;
        body.push_back(std::move(data));
      } else if (t.kind == TokenKind::ShowBegin) {
        auto show = make(StmtKind::Show);
        take();
        show->expr = tuple_or_expression();
        expect(TokenKind::ShowEnd, "}}");
        body.push_back(std::move(show));
      } else {
        take();  // BlockBegin
        if (peek().kind != TokenKind::Name) refuse("expected the name of a tag");
        if (std::ranges::find(ends, peek().text) != ends.end()) return body;
        body.push_back(statement());
      }
    }
  }

  std::unique_ptr<Stmt> make(StmtKind kind) {
    auto stmt = std::make_unique<Stmt>();
    stmt->kind = kind;
    stmt->place = peek().place;
    return stmt;
  }

  void end_tag(std::string_view name) {
    expect_name(name);
    expect(TokenKind::BlockEnd, "%}");
  }

  std::unique_ptr<Stmt> statement() {
    const std::string name = peek().text;
    if (name == "for") return for_loop();
    if (name == "if") return condition();
    if (name == "set") return assignment();
    if (name == "macro") return macro();
    if (name == "call") return call_block();
    if (name == "filter") return filter_block();
    if (name == "with") return with();
    if (name == "generation") return generation();
    if (name == "break" || name == "continue") return jump(name == "break" ? StmtKind::Break : StmtKind::Continue);
    for (const std::string_view other : {"include", "import", "from", "extends", "block"}) {
      if (name == other)
        refuse("{% " + name + " %} needs other templates, and a model file has one; it is not supported");
    }
    refuse("unknown tag '" + printable(name, 40) + "'");
  }

  std::unique_ptr<Stmt> for_loop() {
    auto loop = make(StmtKind::For);
    take();
    loop->target = target_list({"in"});
    expect_name("in");
    loop->expr = tuple_or_expression(/*conditional=*/false, "recursive");
    if (accept_name("if")) loop->test = expression();
    loop->recursive = accept_name("recursive");
    expect(TokenKind::BlockEnd, "%}");
    ++loops_;
    loop->body = until({"else", "endfor"});
    --loops_;
    if (accept_name("else")) {
      expect(TokenKind::BlockEnd, "%}");
      loop->otherwise = until({"endfor"});
    }
    end_tag("endfor");
    return loop;
  }

  std::unique_ptr<Stmt> jump(StmtKind kind) {
    if (loops_ == 0) refuse("'" + peek().text + "' stands outside of a loop");
    auto stmt = make(kind);
    take();
    expect(TokenKind::BlockEnd, "%}");
    return stmt;
  }

  std::unique_ptr<Stmt> condition() {
    auto stmt = make(StmtKind::If);
    const MaybeSkipped maybe(*this);
    take();
    do {
      ExprPtr test = tuple_or_expression(/*conditional=*/false);
      expect(TokenKind::BlockEnd, "%}");
      Body body = until({"elif", "else", "endif"});
      stmt->branches.emplace_back(std::move(test), std::move(body));
    } while (accept_name("elif"));
    if (accept_name("else")) {
      expect(TokenKind::BlockEnd, "%}");
      stmt->otherwise = until({"endif"});
    }
    end_tag("endif");
    return stmt;
  }

  std::unique_ptr<Stmt> assignment() {
    auto stmt = make(StmtKind::Set);
    take();
    stmt->target = target_list({}, /*attributes=*/true);
    if (accept_operator("=")) {
      stmt->expr = tuple_or_expression();
      expect(TokenKind::BlockEnd, "%}");
      return stmt;
    }
    stmt->kind = StmtKind::SetBlock;
    if (accept_operator("|")) stmt->expr = filters_on(nullptr);
    expect(TokenKind::BlockEnd, "%}");
    stmt->body = until({"endset"});
    end_tag("endset");
    return stmt;
  }

  void signature(std::vector<Parameter>& parameters) {
    expect_operator("(");
    while (!peek().is(TokenKind::Operator, ")")) {
      if (!parameters.empty()) expect_operator(",");
      if (peek().is(TokenKind::Operator, ")")) break;
      Parameter p{name_token("a parameter"), nullptr};
      if (accept_operator("=")) {
        p.usual = expression();
      } else if (!parameters.empty() && parameters.back().usual) {
        refuse("a parameter without a default stands behind one with a default");
      }
      parameters.push_back(std::move(p));
    }
    expect_operator(")");
  }

  /// A macro's body, and which of its implied names it reads.
  void macro_body(Stmt& stmt, std::string_view end) {
    const size_t first = position();
    const int loops = std::exchange(loops_, 0);
    stmt.body = until({end});
    loops_ = loops;
    stmt.reads_varargs = names_between(first, "varargs");
    stmt.reads_kwargs = names_between(first, "kwargs");
    stmt.reads_caller = names_between(first, "caller");
    end_tag(end);
  }

  std::unique_ptr<Stmt> macro() {
    auto stmt = make(StmtKind::Macro);
    take();
    stmt->name = name_token("the macro's name");
    signature(stmt->parameters);
    expect(TokenKind::BlockEnd, "%}");
    macro_body(*stmt, "endmacro");
    return stmt;
  }

  std::unique_ptr<Stmt> call_block() {
    auto stmt = make(StmtKind::CallBlock);
    take();
    if (peek().is(TokenKind::Operator, "(")) signature(stmt->parameters);
    stmt->expr = expression();
    if (stmt->expr->kind != ExprKind::Call) refuse("{% call %} wants a call");
    expect(TokenKind::BlockEnd, "%}");
    macro_body(*stmt, "endcall");
    return stmt;
  }

  std::unique_ptr<Stmt> filter_block() {
    auto stmt = make(StmtKind::FilterBlock);
    take();
    stmt->expr = filters_on(nullptr);
    expect(TokenKind::BlockEnd, "%}");
    stmt->body = until({"endfilter"});
    end_tag("endfilter");
    return stmt;
  }

  std::unique_ptr<Stmt> with() {
    auto stmt = make(StmtKind::With);
    take();
    while (peek().kind != TokenKind::BlockEnd) {
      if (!stmt->assignments.empty()) expect_operator(",");
      Target target = single_target(false);
      expect_operator("=");
      stmt->assignments.emplace_back(std::move(target), expression());
    }
    expect(TokenKind::BlockEnd, "%}");
    stmt->body = until({"endwith"});
    end_tag("endwith");
    return stmt;
  }

  /// transformers' mark around what an assistant says; it prints its body.
  std::unique_ptr<Stmt> generation() {
    auto stmt = make(StmtKind::Group);
    take();
    expect(TokenKind::BlockEnd, "%}");
    stmt->body = until({"endgeneration"});
    end_tag("endgeneration");
    return stmt;
  }

  Target single_target(bool attributes) {
    Target t;
    t.place = peek().place;
    if (accept_operator("(")) {
      t = target_list({}, false);
      expect_operator(")");
      return t;
    }
    t.name = name_token("a name to assign to");
    for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
      if (t.name == constant) refuse("'" + t.name + "' cannot be assigned to");
    }
    if (attributes && accept_operator(".")) t.attribute = name_token("an attribute");
    return t;
  }

  Target target_list(Names ends, bool attributes = false) {
    Target first = single_target(attributes);
    if (!peek().is(TokenKind::Operator, ",")) return first;
    Target tuple;
    tuple.place = first.place;
    tuple.parts.push_back(std::move(first));
    while (accept_operator(",")) {
      const Token& t = peek();
      if (t.is(TokenKind::Operator, "=") || t.is(TokenKind::Operator, ")") ||
          (t.kind == TokenKind::Name && std::ranges::find(ends, t.text) != ends.end()))
        break;
      tuple.parts.push_back(single_target(false));
    }
    return tuple;
  }

  int loops_ = 0;  // around what is being read
};

}  // namespace

Body parse(std::string_view source) { return Parser(source).run(); }

}  // namespace apr::chat::jinja
