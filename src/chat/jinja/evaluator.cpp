#include "chat/jinja/evaluator.h"

#include <algorithm>

#include "chat/jinja/filters.h"
#include "chat/jinja/globals.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"

namespace apr::chat::jinja {

/// Names set while it lives go with it.
class Evaluator::InnerScope {
 public:
  explicit InnerScope(Evaluator& e) : e_(e) { e_.inner_.emplace_back(); }
  ~InnerScope() { e_.inner_.pop_back(); }
  InnerScope(const InnerScope&) = delete;
  InnerScope& operator=(const InnerScope&) = delete;

 private:
  Evaluator& e_;
};

/// Catches what is printed while it lives.
class Evaluator::Capture {
 public:
  explicit Capture(Evaluator& e) : e_(e), outer_(std::exchange(e.out_, &text_)) {}
  ~Capture() { e_.out_ = outer_; }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  Text take() { return std::move(text_); }

 private:
  Text text_;
  Evaluator& e_;
  Text* outer_;
};

namespace {

/// A macro, or the body of a call block as `caller`.
class Macro final : public Object {
 public:
  Macro(const Stmt& stmt, std::vector<Scope> scopes) : stmt_(stmt), scopes_(std::move(scopes)) {}
  std::string_view type_name() const override { return "Macro"; }
  bool callable() const override { return true; }
  Value call(Evaluator& e, Arguments& arguments) override { return e.run_macro(stmt_, scopes_, arguments); }
  std::optional<Value> attribute(std::string_view name) const override {
    if (name == "name") return Value::string(stmt_.name, Origin::Markup);
    return std::nullopt;
  }

 private:
  const Stmt& stmt_;
  std::vector<Scope> scopes_;
};

/// `loop`.
class Loop final : public Object {
 public:
  Loop(const Stmt& stmt, List items, int depth) : items(std::move(items)), stmt_(stmt), depth_(depth) {}
  std::string_view type_name() const override { return "LoopContext"; }
  bool callable() const override { return stmt_.recursive; }
  Value call(Evaluator& e, Arguments& arguments) override {
    const Binder a("loop", arguments, {"iterable"});
    return e.run_recursive(stmt_, e.iterate(a[0]), depth_ + 1);
  }
  std::optional<Value> attribute(std::string_view name) const override {
    const int64_t i = int64_t(index), n = int64_t(items.size());
    if (name == "index") return Value::integer(i + 1);
    if (name == "index0") return Value::integer(i);
    if (name == "revindex") return Value::integer(n - i);
    if (name == "revindex0") return Value::integer(n - i - 1);
    if (name == "first") return Value::boolean(i == 0);
    if (name == "last") return Value::boolean(i + 1 == n);
    if (name == "length") return Value::integer(n);
    if (name == "depth") return Value::integer(depth_ + 1);
    if (name == "depth0") return Value::integer(depth_);
    if (name == "previtem") return i > 0 ? items[index - 1] : Value::undefined("there is no previous item");
    if (name == "nextitem") return i + 1 < n ? items[index + 1] : Value::undefined("there is no next item");
    if (name == "cycle")
      return function("loop.cycle", [position = index](Evaluator&, Arguments& a) {
        if (a.positional.empty()) throw Trouble{"loop.cycle: it has no items"};
        return a.positional[position % a.positional.size()];
      });
    if (name == "changed")
      return function("loop.changed", [this](Evaluator&, Arguments& a) {
        const bool changed = !seen_ || !(*seen_ == a.positional);
        seen_ = a.positional;
        return Value::boolean(changed);
      });
    return std::nullopt;
  }

  const List items;
  size_t index = 0;

 private:
  const Stmt& stmt_;
  int depth_;
  mutable std::optional<List> seen_;
};

}  // namespace

Evaluator::Evaluator(const Dict& variables, const std::tm& now, const Limits& limits)
    : variables_(variables), now_(now), budget_(limits) {}

Evaluator::~Evaluator() {
  for (const auto& object : owned_) static_cast<Namespace&>(*object).clear();
}

Text Evaluator::run(const Body& body) {
  Text all;
  out_ = &all;
  run_body(body);
  return all;
}

void Evaluator::print(const Text& text) {
  budget_.make(text.size());
  out_->append(text);
}

Evaluator::Flow Evaluator::run_body(const Body& body) {
  const Budget::Level level(budget_);
  for (const auto& stmt : body) {
    const Flow flow = run_one(*stmt);
    if (flow != Flow::On) return flow;
  }
  return Flow::On;
}

Evaluator::Flow Evaluator::run_one(const Stmt& stmt) {
  budget_.step();
  place_ = stmt.place;
  switch (stmt.kind) {
    case StmtKind::Data:
      budget_.make(stmt.data.size());
      out_->append(stmt.data, Origin::Markup);
      return Flow::On;
    case StmtKind::Show:
      print(show(evaluate(*stmt.expr)));
      return Flow::On;
    case StmtKind::For:
      run_loop(stmt, iterate(evaluate(*stmt.expr)), 0);
      return Flow::On;
    case StmtKind::If:
      return run_condition(stmt);
    case StmtKind::Set:
    case StmtKind::SetBlock:
      run_set(stmt);
      return Flow::On;
    case StmtKind::Macro:
      scope()[stmt.name] = body_of(stmt);
      return Flow::On;
    case StmtKind::CallBlock:
      run_call_block(stmt);
      return Flow::On;
    case StmtKind::FilterBlock:
      print(show(filtered(*stmt.expr, Value::string(captured(stmt.body)))));
      return Flow::On;
    case StmtKind::With:
      return run_with(stmt);
    case StmtKind::Group:
      return run_body(stmt.body);
    case StmtKind::Break:
      return Flow::Break;
    case StmtKind::Continue:
      return Flow::Continue;
  }
  return Flow::On;
}

Evaluator::Flow Evaluator::run_condition(const Stmt& stmt) {
  for (const auto& [condition, body] : stmt.branches) {
    if (evaluate(*condition).truthy()) return run_body(body);
  }
  return run_body(stmt.otherwise);
}

Evaluator::Flow Evaluator::run_with(const Stmt& stmt) {
  List values;  // all of them see the names outside
  for (const auto& assignment : stmt.assignments) values.push_back(evaluate(*assignment.second));
  const InnerScope inner(*this);
  for (size_t i = 0; i < values.size(); ++i) assign(stmt.assignments[i].first, values[i]);
  return run_body(stmt.body);
}

void Evaluator::run_set(const Stmt& stmt) {
  if (stmt.kind == StmtKind::Set) return assign(stmt.target, evaluate(*stmt.expr));
  Value value = Value::string(captured(stmt.body));
  assign(stmt.target, stmt.expr ? filtered(*stmt.expr, std::move(value)) : std::move(value));
}

Text Evaluator::captured(const Body& body) {
  const InnerScope inner(*this);
  Capture capture(*this);
  run_body(body);
  return capture.take();
}

Value Evaluator::body_of(const Stmt& stmt) { return Value::object(std::make_shared<Macro>(stmt, inner_)); }

void Evaluator::run_call_block(const Stmt& stmt) {
  const Value callee = evaluate(*stmt.expr->parts[0]);
  Arguments given = arguments(stmt.expr->arguments);
  given.named.emplace_back("caller", body_of(stmt));
  place_ = stmt.place;
  print(show(call(callee, given)));
}

Value Evaluator::run_macro(const Stmt& stmt, const std::vector<Scope>& scopes, Arguments& given) {
  const Budget::Level level(budget_);
  const size_t expected = stmt.parameters.size();
  Scope names;
  Dict rest;
  for (auto& [name, value] : given.named) {
    const bool known = std::ranges::any_of(stmt.parameters, [&](const Parameter& p) { return p.name == name; });
    if (!known && name == "caller" && stmt.reads_caller) {
      names["caller"] = value;
    } else if (!known && !stmt.reads_kwargs) {
      throw Trouble{"macro '" + stmt.name + "' takes no argument named '" + name + "'"};
    } else if (!known) {
      rest.set(name, value);
    } else if (!names.emplace(name, value).second) {
      throw Trouble{"macro '" + stmt.name + "' got the argument '" + name + "' twice"};
    }
  }
  for (size_t i = 0; i < std::min(expected, given.positional.size()); ++i) {
    if (!names.emplace(stmt.parameters[i].name, given.positional[i]).second)
      throw Trouble{"macro '" + stmt.name + "' got the argument '" + stmt.parameters[i].name + "' twice"};
  }
  if (given.positional.size() > expected && !stmt.reads_varargs)
    throw Trouble{
        fmt::format("macro '{}' takes at most {} arguments, got {}", stmt.name, expected, given.positional.size())};
  if (stmt.reads_varargs) {
    const size_t first = std::min(expected, given.positional.size());
    names["varargs"] = Value::tuple(List(given.positional.begin() + std::ptrdiff_t(first), given.positional.end()));
  }
  if (stmt.reads_kwargs) names["kwargs"] = Value::dict(std::move(rest));
  if (stmt.reads_caller && !names.contains("caller")) names["caller"] = Value::undefined("no caller is defined");

  struct Swap {  // the names around the definition in place of those around the call
    std::vector<Scope>& inner;
    std::vector<Scope> kept;
    ~Swap() { inner = std::move(kept); }
  } swap{inner_, std::exchange(inner_, scopes)};
  inner_.push_back(std::move(names));
  for (const Parameter& p : stmt.parameters) {
    if (inner_.back().contains(p.name)) continue;
    inner_.back()[p.name] =
        p.usual ? evaluate(*p.usual) : Value::undefined("parameter '" + p.name + "' was not provided");
  }
  Capture capture(*this);
  run_body(stmt.body);
  return Value::string(capture.take());
}

void Evaluator::run_loop(const Stmt& stmt, List items, int depth) {
  if (stmt.test) {
    const InnerScope inner(*this);
    List kept;
    for (const Value& item : items) {
      budget_.step(4);
      scope().clear();
      assign(stmt.target, item);
      if (evaluate(*stmt.test).truthy()) kept.push_back(item);
    }
    items = std::move(kept);
  }
  if (items.empty()) {
    const InnerScope inner(*this);
    run_body(stmt.otherwise);
    return;
  }
  const auto loop = std::make_shared<Loop>(stmt, std::move(items), depth);
  const InnerScope inner(*this);
  for (; loop->index < loop->items.size(); ++loop->index) {
    budget_.step(4);
    scope().clear();
    scope()["loop"] = Value::object(loop);
    assign(stmt.target, loop->items[loop->index]);
    if (run_body(stmt.body) == Flow::Break) return;
  }
}

Value Evaluator::run_recursive(const Stmt& stmt, List items, int depth) {
  const Budget::Level level(budget_);
  Capture capture(*this);
  run_loop(stmt, std::move(items), depth);
  return Value::string(capture.take());
}

void Evaluator::assign(const Target& target, const Value& value) {
  if (!target.parts.empty()) {
    const List items = iterate(value);
    if (items.size() != target.parts.size())
      throw Trouble{fmt::format("{} values cannot be assigned to {} names", items.size(), target.parts.size())};
    for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
    return;
  }
  if (target.attribute.empty()) {
    scope()[target.name] = value;
    return;
  }
  const Value holder = look_up(target.name);
  auto* space = holder.is(Kind::Object) ? dynamic_cast<Namespace*>(holder.as_object().get()) : nullptr;
  if (!space) throw Trouble{"'" + target.name + "." + target.attribute + "' cannot be set: only a namespace() changes"};
  space->set(target.attribute, value);
}

Value Evaluator::look_up(const std::string& name) {
  for (auto scope = inner_.rbegin(); scope != inner_.rend(); ++scope) {
    if (const auto found = scope->find(name); found != scope->end()) return found->second;
  }
  if (const auto found = top_.find(name); found != top_.end()) return found->second;
  if (const Value* given = variables_.find(name)) return *given;
  if (std::optional<Value> global = find_global(name)) return *global;
  return Value::undefined("'" + name + "' is undefined");
}

Value Evaluator::call(const Value& callee, Arguments& arguments) {
  if (callee.is_undefined()) throw Trouble{callee.why()};
  if (!callee.is(Kind::Object) || !callee.as_object()->callable())
    throw Trouble{"'" + std::string(callee.type_name()) + "' object is not callable"};
  const std::shared_ptr<Object> object = callee.as_object();  // the call may let go of it
  return object->call(*this, arguments);
}

Value Evaluator::attribute(const Value& of, std::string_view name) {
  if (of.is_undefined()) throw Trouble{of.why()};
  if (name.starts_with("_")) return Value::undefined("access to attribute '" + std::string(name) + "' is unsafe");
  if (std::optional<Value> method = find_method(of, name)) return *method;
  if (of.is(Kind::Object)) {
    if (std::optional<Value> found = of.as_object()->attribute(name)) return *found;
  } else if (of.is(Kind::Dict)) {
    if (const Value* found = of.as_dict().find(name)) return *found;
  }
  return Value::undefined("'" + std::string(of.type_name()) + " object' has no attribute '" + std::string(name) + "'");
}

Value Evaluator::item(const Value& of, const Value& key) {
  if (of.is_undefined()) throw Trouble{of.why()};
  if (of.is(Kind::Dict)) {
    if (const Value* found = of.as_dict().find(key)) return *found;
  } else if ((of.is_sequence() || of.is(Kind::String)) && (key.is(Kind::Int) || key.is(Kind::Bool))) {
    if (of.is(Kind::String)) budget_.step(of.text().size() / 16);
    return element(of, key.as_int());
  }
  if (key.is(Kind::String)) return attribute(of, key.view());
  return Value::undefined("'" + std::string(of.type_name()) + " object' has no element " + repr(key, budget_).str());
}

List Evaluator::iterate(const Value& value) {
  switch (value.kind()) {
    case Kind::Undefined:
      return {};
    case Kind::List:
    case Kind::Tuple:
      budget_.make(value.items().size(), sizeof(Value));
      return value.items();
    case Kind::Dict: {
      budget_.make(value.as_dict().size(), sizeof(Value));
      List keys;
      for (const auto& entry : value.as_dict().items()) keys.push_back(entry.first);
      return keys;
    }
    case Kind::String: {
      budget_.make(value.text().size(), 4 * sizeof(Value));  // a string object for each
      List characters;
      for (size_t at = 0; at < value.text().size();) {
        const size_t end = next_char(value.view(), at);
        characters.push_back(Value::string(value.text().slice(at, end)));
        at = end;
      }
      return characters;
    }
    default:
      throw Trouble{"'" + std::string(value.type_name()) + "' object is not iterable"};
  }
}

Text Evaluator::show(const Value& value) {
  Text text = to_text(value, budget_);
  budget_.step(text.size() / 64);
  return text;
}

}  // namespace apr::chat::jinja
