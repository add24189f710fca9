#include <utility>

#include "chat/jinja/evaluator.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/tests.h"

// How the evaluator computes expressions.
namespace apr::chat::jinja {

Value Evaluator::evaluate(const Expr& expr) {
  const Budget::Level level(budget_);
  budget_.step();
  place_ = expr.place;
  switch (expr.kind) {
    case ExprKind::Literal:
      return expr.value;
    case ExprKind::Name:
      return look_up(expr.name);
    case ExprKind::List:
    case ExprKind::Tuple:
      return literal_list(expr);
    case ExprKind::Dict:
      return literal_dict(expr);
    case ExprKind::Attribute: {
      const Value of = evaluate(*expr.parts[0]);
      place_ = expr.place;
      return attribute(of, expr.name);
    }
    case ExprKind::Item: {
      const Value of = evaluate(*expr.parts[0]), key = evaluate(*expr.parts[1]);
      place_ = expr.place;
      return item(of, key);
    }
    case ExprKind::Slice:
      return slice(expr);
    case ExprKind::Call: {
      const Value callee = evaluate(*expr.parts[0]);
      Arguments given = arguments(expr.arguments);
      place_ = expr.place;
      return call(callee, given);
    }
    case ExprKind::Filter:
      return filter(expr);
    case ExprKind::Test:
      return test(expr);
    case ExprKind::Not:
      return Value::boolean(!evaluate(*expr.parts[0]).truthy());
    case ExprKind::Negative:
    case ExprKind::Positive: {
      const Value value = evaluate(*expr.parts[0]);
      place_ = expr.place;
      return signed_number(value, expr.kind == ExprKind::Negative);
    }
    case ExprKind::Binary: {
      const Value left = evaluate(*expr.parts[0]), right = evaluate(*expr.parts[1]);
      place_ = expr.place;
      return arithmetic(*this, expr.ops[0], left, right);
    }
    case ExprKind::And:
      return choose(expr, false);
    case ExprKind::Or:
      return choose(expr, true);
    case ExprKind::Concat:
      return concat(expr);
    case ExprKind::Compare:
      return compare(expr);
    case ExprKind::Conditional:
      return conditional(expr);
  }
  return Value();
}

Value Evaluator::literal_list(const Expr& expr) {
  List items;
  for (const ExprPtr& part : expr.parts) items.push_back(evaluate(*part));
  budget_.make(items.size(), sizeof(Value));
  return expr.kind == ExprKind::List ? Value::list(std::move(items)) : Value::tuple(std::move(items));
}

Value Evaluator::literal_dict(const Expr& expr) {
  Dict dict;
  for (size_t i = 0; i + 1 < expr.parts.size(); i += 2) {
    Value key = evaluate(*expr.parts[i]);
    require_hashable(key);
    dict.set(std::move(key), evaluate(*expr.parts[i + 1]));
  }
  budget_.make(dict.size(), 4 * sizeof(Value));
  return Value::dict(std::move(dict));
}

Value Evaluator::slice(const Expr& expr) {
  const Value of = evaluate(*expr.parts[0]);
  std::optional<int64_t> bounds[3];
  for (int i = 0; i < 3; ++i) {
    if (!expr.parts[size_t(i) + 1]) continue;
    const Value bound = evaluate(*expr.parts[size_t(i) + 1]);
    if (bound.is(Kind::None)) continue;
    if (!bound.is(Kind::Int) && !bound.is(Kind::Bool)) {
      if (bound.is_undefined()) throw Trouble{bound.why()};
      throw Trouble{"a slice's bounds are whole numbers, found " + std::string(bound.type_name())};
    }
    bounds[i] = bound.as_int();
  }
  place_ = expr.place;
  return sliced(*this, of, bounds[0], bounds[1], bounds[2]);
}

Value Evaluator::choose(const Expr& expr, bool stop_at) {
  Value value;
  for (const ExprPtr& part : expr.parts) {
    value = evaluate(*part);
    if (value.truthy() == stop_at) break;
  }
  return value;
}

Value Evaluator::concat(const Expr& expr) {
  Text all;
  for (const ExprPtr& part : expr.parts) {
    const Text piece = show(evaluate(*part));
    budget_.make(piece.size());
    all.append(piece);
  }
  return Value::string(std::move(all));
}

Value Evaluator::compare(const Expr& expr) {
  Value left = evaluate(*expr.parts[0]);
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    Value right = evaluate(*expr.parts[i + 1]);
    place_ = expr.place;
    if (!holds(*this, expr.ops[i], left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Evaluator::conditional(const Expr& expr) {
  if (evaluate(*expr.parts[1]).truthy()) return evaluate(*expr.parts[0]);
  if (expr.parts[2]) return evaluate(*expr.parts[2]);
  return Value::undefined("the inline if-expression has no value: its condition is false and it has no else");
}

Value Evaluator::filter(const Expr& expr) {
  if (!expr.filter) throw Trouble{"there is no filter '" + expr.name + "'"};
  const Value value = evaluate(*expr.parts[0]);
  Arguments given = arguments(expr.arguments);
  place_ = expr.place;
  return expr.filter->apply(*this, value, given);
}

Value Evaluator::filtered(const Expr& filters, Value value) {
  if (filters.parts[0]) value = filtered(*filters.parts[0], std::move(value));
  if (!filters.filter) throw Trouble{"there is no filter '" + filters.name + "'"};
  Arguments given = arguments(filters.arguments);
  place_ = filters.place;
  return filters.filter->apply(*this, value, given);
}

Value Evaluator::test(const Expr& expr) {
  if (!expr.test) throw Trouble{"there is no test '" + expr.name + "'"};
  const Value value = evaluate(*expr.parts[0]);
  Arguments given = arguments(expr.arguments);
  place_ = expr.place;
  return Value::boolean(expr.test->holds(*this, value, given));
}

Arguments Evaluator::arguments(const WrittenArguments& written) {
  Arguments all;
  for (const ExprPtr& part : written.positional) all.positional.push_back(evaluate(*part));
  for (const auto& [name, part] : written.named) all.named.emplace_back(name, evaluate(*part));
  if (written.list) {
    for (Value& value : iterate(evaluate(*written.list))) all.positional.push_back(std::move(value));
  }
  if (written.dict) {
    const Value dict = evaluate(*written.dict);
    if (!dict.is(Kind::Dict))
      throw Trouble{"what stands behind ** must be a dict, found " + std::string(dict.type_name())};
    for (const auto& [key, value] : dict.as_dict().items()) {
      if (!key.is(Kind::String))
        throw Trouble{"names of arguments must be text, found " + std::string(key.type_name())};
      all.named.emplace_back(std::string(key.view()), value);
    }
  }
  return all;
}

Binder::Binder(std::string_view function, const Arguments& given, std::initializer_list<std::string_view> names)
    : function_(function), names_(names), values_(names.size(), nullptr) {
  if (given.positional.size() > names_.size()) {
    throw Trouble{fmt::format("{}: takes at most {} argument{}, found {}", function, names_.size(),
                              names_.size() == 1 ? "" : "s", given.positional.size())};
  }
  for (size_t i = 0; i < given.positional.size(); ++i) values_[i] = &given.positional[i];
  for (const auto& [name, value] : given.named) {
    size_t i = 0;
    while (i < names_.size() && names_[i] != name) ++i;
    if (i == names_.size()) throw Trouble{fmt::format("{}: has no argument '{}'", function, name)};
    if (values_[i]) throw Trouble{fmt::format("{}: got the argument '{}' twice", function, name)};
    values_[i] = &value;
  }
}

const Value& Binder::operator[](size_t i) const {
  if (!values_[i]) throw Trouble{fmt::format("{}: the argument '{}' is missing", function_, names_[i])};
  return *values_[i];
}

int64_t Binder::integer(size_t i, int64_t usual) const {
  if (!has(i)) return usual;
  const Value& v = *values_[i];
  if (v.is_undefined()) throw Trouble{v.why()};
  if (!v.is(Kind::Int) && !v.is(Kind::Bool))
    throw Trouble{fmt::format("{}: '{}' must be a whole number, found {}", function_, names_[i], v.type_name())};
  return v.as_int();
}

bool Binder::truth(size_t i, bool usual) const { return has(i) ? values_[i]->truthy() : usual; }

Text Binder::text(size_t i, std::string_view usual) const {
  if (!has(i)) return Text(usual, Origin::Markup);
  const Value& v = *values_[i];
  if (v.is_undefined()) throw Trouble{v.why()};
  if (!v.is(Kind::String))
    throw Trouble{fmt::format("{}: '{}' must be text, found {}", function_, names_[i], v.type_name())};
  return v.text();
}

}  // namespace apr::chat::jinja
