#include "chat/jinja/operators.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chat/jinja/format.h"

namespace apr::chat::jinja {
namespace {

constexpr std::string_view kSigns[] = {
    "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};

[[noreturn]] void mismatch(Op op, const Value& left, const Value& right) {
  for (const Value* v : {&left, &right}) {
    if (v->is_undefined()) throw Trouble{v->why()};
  }
  throw Trouble{
      fmt::format("{} does not work between {} and {}", kSigns[size_t(op)], left.type_name(), right.type_name())};
}

[[noreturn]] void overflow() { throw Trouble{"a whole number grows beyond 64 bits"}; }

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == -1) {
    int64_t negative;
    if (__builtin_sub_overflow(int64_t{0}, a, &negative)) overflow();
    return negative;
  }
  const int64_t q = a / b;
  return q - (a % b != 0 && (a < 0) != (b < 0));
}

int64_t modulo(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

double modulo(double a, double b) {
  const double r = std::fmod(a, b);
  if (r == 0) return std::copysign(0.0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

Value integer_power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) throw Trouble{"0 cannot be raised to a negative power"};
    return Value::real(std::pow(double(base), double(exponent)));
  }
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow();
  }
  return Value::integer(result);
}

Value with_integers(Op op, int64_t a, int64_t b) {
  int64_t result = 0;
  if ((op == Op::Divide || op == Op::FloorDivide || op == Op::Modulo) && b == 0) throw Trouble{"division by zero"};
  switch (op) {
    case Op::Add:
      if (__builtin_add_overflow(a, b, &result)) overflow();
      return Value::integer(result);
    case Op::Subtract:
      if (__builtin_sub_overflow(a, b, &result)) overflow();
      return Value::integer(result);
    case Op::Multiply:
      if (__builtin_mul_overflow(a, b, &result)) overflow();
      return Value::integer(result);
    case Op::Divide:
      return Value::real(double(a) / double(b));
    case Op::FloorDivide:
      return Value::integer(floor_divide(a, b));
    case Op::Modulo:
      return Value::integer(modulo(a, b));
    default:
      return integer_power(a, b);
  }
}

Value with_doubles(Op op, double a, double b) {
  if ((op == Op::Divide || op == Op::FloorDivide || op == Op::Modulo) && b == 0) throw Trouble{"division by zero"};
  switch (op) {
    case Op::Add:
      return Value::real(a + b);
    case Op::Subtract:
      return Value::real(a - b);
    case Op::Multiply:
      return Value::real(a * b);
    case Op::Divide:
      return Value::real(a / b);
    case Op::FloorDivide:
      return Value::real(std::floor(a / b));
    case Op::Modulo:
      return Value::real(modulo(a, b));
    default: {
      if (a == 0 && b < 0) throw Trouble{"0 cannot be raised to a negative power"};
      const double power = std::pow(a, b);
      if (std::isnan(power) && !std::isnan(a) && !std::isnan(b))
        throw Trouble{"a power of a negative number that is no real number"};
      if (std::isinf(power) && std::isfinite(a) && std::isfinite(b)) throw Trouble{"a power is too large"};
      return Value::real(power);
    }
  }
}

Value repeated(Evaluator& e, const Value& what, int64_t times) {
  const size_t n = times > 0 ? size_t(times) : 0;
  if (what.is(Kind::String)) {
    const Text& piece = what.text();
    if (n > 0 && piece.size() > std::numeric_limits<size_t>::max() / n)
      throw Trouble{"the template makes too much text"};
    e.budget().make(piece.size() * n);
    Text all;
    if (!piece.empty()) {
      for (size_t i = 0; i < n; ++i) all.append(piece);
    }
    return Value::string(std::move(all));
  }
  const List& items = what.items();
  if (n > 0 && items.size() > std::numeric_limits<size_t>::max() / n) throw Trouble{"the template makes too much text"};
  e.budget().make(items.size() * n, sizeof(Value));
  List all;
  if (!items.empty()) {
    for (size_t i = 0; i < n; ++i) all.insert(all.end(), items.begin(), items.end());
  }
  return what.is(Kind::Tuple) ? Value::tuple(std::move(all)) : Value::list(std::move(all));
}

Value joined(Evaluator& e, const Value& left, const Value& right) {
  if (left.is(Kind::String)) {
    e.budget().make(left.text().size() + right.text().size());
    Text both = left.text();
    both.append(right.text());
    return Value::string(std::move(both));
  }
  e.budget().make(left.items().size() + right.items().size(), sizeof(Value));
  List both = left.items();
  both.insert(both.end(), right.items().begin(), right.items().end());
  return left.is(Kind::Tuple) ? Value::tuple(std::move(both)) : Value::list(std::move(both));
}

int64_t held(int64_t i, int64_t least, int64_t most) { return std::clamp(i, least, most); }

}  // namespace

Value arithmetic(Evaluator& e, Op op, const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) {
    if (left.is(Kind::Float) || right.is(Kind::Float)) return with_doubles(op, left.as_double(), right.as_double());
    return with_integers(op, left.as_int(), right.as_int());
  }
  const bool text = left.is(Kind::String) || left.is_sequence();
  if (op == Op::Add && text && left.kind() == right.kind()) return joined(e, left, right);
  const auto whole = [](const Value& v) { return v.is(Kind::Int) || v.is(Kind::Bool); };
  if (op == Op::Multiply && text && whole(right)) return repeated(e, left, right.as_int());
  if (op == Op::Multiply && whole(left) && (right.is(Kind::String) || right.is_sequence()))
    return repeated(e, right, left.as_int());
  if (op == Op::Modulo && left.is(Kind::String)) {
    Arguments given;
    if (right.is(Kind::Tuple)) {
      given.positional = right.items();
    } else {
      given.positional.push_back(right);
    }
    return format_percent(e, left.text(), given);
  }
  mismatch(op, left, right);
}

Value signed_number(const Value& value, bool negative) {
  if (value.is_undefined()) throw Trouble{value.why()};
  if (!value.is_number()) throw Trouble{"a sign does not work with " + std::string(value.type_name())};
  if (value.is(Kind::Float)) return Value::real(negative ? -value.as_double() : value.as_double());
  int64_t result = value.as_int();
  if (negative && __builtin_sub_overflow(int64_t{0}, result, &result)) overflow();
  return Value::integer(result);
}

bool equal(Evaluator& e, const Value& left, const Value& right) {
  e.budget().step();
  if (left.kind() != right.kind()) return left == right;  // numbers, or nothing to look at
  if (left.is(Kind::String)) {
    e.budget().step(std::min(left.text().size(), right.text().size()) / 256);
  } else if (left.is_sequence()) {
    const List &a = left.items(), &b = right.items();
    if (&a == &b || a.size() != b.size()) return a.size() == b.size();
    for (size_t i = 0; i < a.size(); ++i) {
      if (!equal(e, a[i], b[i])) return false;
    }
    return true;
  } else if (left.is(Kind::Dict)) {
    const Dict &a = left.as_dict(), &b = right.as_dict();
    if (&a == &b || a.size() != b.size()) return a.size() == b.size();
    for (const auto& [key, value] : a.items()) {
      const Value* other = b.find(key);
      if (!other || !equal(e, value, *other)) return false;
    }
    return true;
  }
  return left == right;
}

bool less(Evaluator& e, const Value& left, const Value& right) {
  e.budget().step();
  if (left.is(Kind::String) && right.is(Kind::String))
    e.budget().step(std::min(left.text().size(), right.text().size()) / 256);
  if (left.is_number() && right.is_number()) {
    if (left.is(Kind::Float) || right.is(Kind::Float)) return left.as_double() < right.as_double();
    return left.as_int() < right.as_int();
  }
  if (left.is(Kind::String) && right.is(Kind::String)) return left.view() < right.view();  // UTF-8 sorts as code points
  if (left.is_sequence() && left.kind() == right.kind()) {
    const List &a = left.items(), &b = right.items();
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      if (!equal(e, a[i], b[i])) return less(e, a[i], b[i]);
    }
    return a.size() < b.size();
  }
  mismatch(Op::Less, left, right);
}

bool contains(Evaluator& e, const Value& container, const Value& value) {
  switch (container.kind()) {
    case Kind::String:
      if (value.is_undefined()) throw Trouble{value.why()};
      if (!value.is(Kind::String)) throw Trouble{"only text can be in text, found " + std::string(value.type_name())};
      e.budget().step(container.text().size() / 16);
      return container.view().find(value.view()) != std::string_view::npos;
    case Kind::List:
    case Kind::Tuple:
      return std::ranges::any_of(container.items(), [&](const Value& v) { return equal(e, v, value); });
    case Kind::Dict:
      return container.as_dict().find(value) != nullptr;
    case Kind::Undefined:
      return false;
    default:
      throw Trouble{"'" + std::string(container.type_name()) + "' object holds nothing that could be looked for"};
  }
}

bool holds(Evaluator& e, Op op, const Value& left, const Value& right) {
  switch (op) {
    case Op::Equal:
      return equal(e, left, right);
    case Op::NotEqual:
      return !equal(e, left, right);
    case Op::In:
      return contains(e, right, left);
    case Op::NotIn:
      return !contains(e, right, left);
    default:
      break;
  }
  if (left.is_undefined() || right.is_undefined()) mismatch(op, left, right);
  switch (op) {
    case Op::Less:
      return less(e, left, right);
    case Op::Greater:
      return less(e, right, left);
    case Op::LessEqual:
      return less(e, left, right) || equal(e, left, right);
    default:
      return less(e, right, left) || equal(e, left, right);
  }
}

Value element(const Value& of, int64_t i) {
  const auto outside = [&] {
    return Value::undefined(fmt::format("'{} object' has no element {}", of.type_name(), i));
  };
  if (of.is_sequence()) {
    const int64_t n = int64_t(of.items().size());
    const int64_t at = i < 0 ? i + n : i;
    return at < 0 || at >= n ? outside() : of.items()[size_t(at)];
  }
  const std::string_view text = of.view();
  size_t at = 0;
  if (i >= 0) {
    at = byte_of(text, size_t(i));
    if (at >= text.size()) return outside();
  } else {
    at = text.size();
    for (int64_t back = i; back < 0; ++back) {
      if (at == 0) return outside();
      at = previous_char(text, at);
    }
  }
  return Value::string(of.text().slice(at, next_char(text, at)));
}

Value sliced(Evaluator& e, const Value& of, std::optional<int64_t> begin, std::optional<int64_t> end,
             std::optional<int64_t> step) {
  if (of.is_undefined()) throw Trouble{of.why()};
  if (!of.is_sequence() && !of.is(Kind::String))
    throw Trouble{"'" + std::string(of.type_name()) + "' object has no slices"};
  const int64_t stride = step.value_or(1);
  if (stride == 0) throw Trouble{"a slice's step cannot be 0"};
  const bool text = of.is(Kind::String);
  std::vector<size_t> starts;  // of characters, in bytes
  if (text) {
    e.budget().make(of.text().size(), sizeof(size_t));
    for (size_t at = 0; at < of.text().size(); at = next_char(of.view(), at)) starts.push_back(at);
    starts.push_back(of.text().size());
  }
  const int64_t n = text ? int64_t(starts.size()) - 1 : int64_t(of.items().size());
  const auto from_end = [&](int64_t i) { return i < 0 ? i + n : i; };
  int64_t first, last;  // last is the one not taken
  if (stride > 0) {
    first = begin ? held(from_end(std::max(*begin, -n)), 0, n) : 0;
    last = end ? held(from_end(std::max(*end, -n)), 0, n) : n;
  } else {
    first = begin ? held(from_end(std::max(*begin, -n - 1)), -1, n - 1) : n - 1;
    last = end ? held(from_end(std::max(*end, -n - 1)), -1, n - 1) : -1;
  }
  if (text && stride == 1) {
    return Value::string(first < last ? of.text().slice(starts[size_t(first)], starts[size_t(last)]) : Text());
  }
  Text characters;
  List items;
  for (int64_t i = first; stride > 0 ? i < last : i > last;) {
    e.budget().step();
    if (text) {
      characters.append(of.text(), starts[size_t(i)], starts[size_t(i) + 1]);
    } else {
      items.push_back(of.items()[size_t(i)]);
    }
    if (__builtin_add_overflow(i, stride, &i)) break;
  }
  if (text) return Value::string(std::move(characters));
  return of.is(Kind::Tuple) ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

void require_hashable(const Value& value) {
  if (value.is(Kind::List) || value.is(Kind::Dict))
    throw Trouble{"a " + std::string(value.type_name()) + " cannot be a key"};
}

}  // namespace apr::chat::jinja
