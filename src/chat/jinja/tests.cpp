#include "chat/jinja/tests.h"

#include "chat/jinja/filters.h"
#include "chat/jinja/letters.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"

namespace apr::chat::jinja {
namespace {

using A = const Arguments&;
using V = const Value&;

int64_t whole(V v) {
  if (v.is_undefined()) throw Trouble{v.why()};
  if (!v.is(Kind::Int) && !v.is(Kind::Bool))
    throw Trouble{"the test needs a whole number, found " + std::string(v.type_name())};
  return v.as_int();
}

template <Op op>
bool compared(Evaluator& e, V v, A given) {
  const Binder a("test", given, {"other"});
  return holds(e, op, v, a[0]);
}

template <Kind... kinds>
bool is_kind(Evaluator&, V v, A given) {
  const Binder none("test", given, {});
  return (v.is(kinds) || ...);
}

bool divisible(Evaluator&, V v, A given) {
  const Binder a("divisibleby", given, {"num"});
  const int64_t by = whole(a[0]);
  if (by == 0) throw Trouble{"division by zero"};
  return by == -1 || whole(v) % by == 0;
}

bool same_as(Evaluator& e, V v, A given) {
  const Binder a("sameas", given, {"other"});
  if (v.kind() != a[0].kind()) return false;
  if (v.is(Kind::List) || v.is(Kind::Tuple)) return &v.items() == &a[0].items();
  if (v.is(Kind::Dict)) return &v.as_dict() == &a[0].as_dict();
  return equal(e, v, a[0]);
}

bool is_callable(Evaluator&, V v, A) { return v.is(Kind::Object) && v.as_object()->callable(); }
bool is_iterable(Evaluator&, V v, A) {
  return v.is(Kind::String) || v.is_sequence() || v.is(Kind::Dict) || v.is_undefined();
}
bool is_sequence(Evaluator&, V v, A) {
  return v.is(Kind::String) || v.is_sequence() || v.is(Kind::Dict) || v.is_undefined();
}
bool contained(Evaluator& e, V v, A given) {
  const Binder a("in", given, {"seq"});
  return contains(e, a[0], v);
}

const Test kTests[] = {
    {"!=", compared<Op::NotEqual>},
    {"<", compared<Op::Less>},
    {"<=", compared<Op::LessEqual>},
    {"==", compared<Op::Equal>},
    {">", compared<Op::Greater>},
    {">=", compared<Op::GreaterEqual>},
    {"boolean", is_kind<Kind::Bool>},
    {"callable", is_callable},
    {"defined", [](Evaluator&, V v, A) { return !v.is_undefined(); }},
    {"divisibleby", divisible},
    {"eq", compared<Op::Equal>},
    {"equalto", compared<Op::Equal>},
    {"escaped", [](Evaluator&, V, A) { return false; }},
    {"even", [](Evaluator&, V v, A) { return whole(v) % 2 == 0; }},
    {"false", [](Evaluator&, V v, A) { return v.is(Kind::Bool) && !v.as_bool(); }},
    {"filter", [](Evaluator&, V v, A) { return v.is(Kind::String) && find_filter(v.view()) != nullptr; }},
    {"float", is_kind<Kind::Float>},
    {"ge", compared<Op::GreaterEqual>},
    {"greaterthan", compared<Op::Greater>},
    {"gt", compared<Op::Greater>},
    {"in", contained},
    {"integer", is_kind<Kind::Int>},
    {"iterable", is_iterable},
    {"le", compared<Op::LessEqual>},
    {"lessthan", compared<Op::Less>},
    {"lower", [](Evaluator& e, V v, A) { return is_lower(to_text(v, e.budget()).view()); }},
    {"lt", compared<Op::Less>},
    {"mapping", is_kind<Kind::Dict>},
    {"ne", compared<Op::NotEqual>},
    {"none", is_kind<Kind::None>},
    {"number", is_kind<Kind::Int, Kind::Float, Kind::Bool>},
    {"odd", [](Evaluator&, V v, A) { return whole(v) % 2 != 0; }},
    {"sameas", same_as},
    {"sequence", is_sequence},
    {"string", is_kind<Kind::String>},
    {"test", [](Evaluator&, V v, A) { return v.is(Kind::String) && find_test(v.view()) != nullptr; }},
    {"true", [](Evaluator&, V v, A) { return v.is(Kind::Bool) && v.as_bool(); }},
    {"undefined", is_kind<Kind::Undefined>},
    {"upper", [](Evaluator& e, V v, A) { return is_upper(to_text(v, e.budget()).view()); }},
};

}  // namespace

const Test* find_test(std::string_view name) {
  for (const Test& t : kTests) {
    if (t.name == name) return &t;
  }
  return nullptr;
}

}  // namespace apr::chat::jinja
