#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "chat/jinja/filters.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/print.h"

namespace apr::chat::jinja {
namespace {

using A = const Arguments&;
using V = const Value&;

void need(V v) {
  if (v.is_undefined()) throw Trouble{v.why()};
}

Value absolute(Evaluator&, V v, A given) {
  const Binder none("abs", given, {});
  need(v);
  if (!v.is_number()) throw Trouble{"abs: takes a number, found " + std::string(v.type_name())};
  if (v.is(Kind::Float)) return Value::real(std::fabs(v.as_double()));
  if (v.as_int() == INT64_MIN) throw Trouble{"a whole number grows beyond 64 bits"};
  return Value::integer(std::abs(v.as_int()));
}

Value attr(Evaluator& e, V v, A given) {
  const Binder a("attr", given, {"name"});
  need(v);
  const Text name = e.show(a[0]);
  if (!v.is(Kind::Dict)) return e.attribute(v, name.view());
  if (std::optional<Value> method = find_method(v, name.view())) return *method;  // a dict's items are no attributes
  return Value::undefined("'dict object' has no attribute '" + name.str() + "'");
}

Value usual(Evaluator&, V v, A given) {
  const Binder a("default", given, {"default_value", "boolean"});
  if (!v.is_undefined() && !(a.truth(1, false) && !v.truthy())) return v;
  return a.has(0) ? a[0] : Value::string("", Origin::Markup);
}

/// Text as Python's int() or float() reads it: spaces around it, and single underscores between digits.
std::optional<std::string> cleaned_number(std::string_view text) {
  while (!text.empty() && is_space(code_point(text, 0))) text.remove_prefix(next_char(text, 0));
  while (!text.empty() && is_space(code_point(text, previous_char(text, text.size()))))
    text = text.substr(0, previous_char(text, text.size()));
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || !std::isxdigit(static_cast<unsigned char>(text[i - 1])) ||
               !std::isxdigit(static_cast<unsigned char>(text[i + 1]))) {
      return std::nullopt;
    }
  }
  return out.empty() ? std::nullopt : std::optional(out);
}

std::optional<double> real_of(V v) {
  if (v.is_number()) return v.as_double();
  if (!v.is(Kind::String)) return std::nullopt;
  const auto text = cleaned_number(v.view());
  if (!text || text->find_first_of("xXpP()") != std::string::npos)
    return std::nullopt;  // what strtod takes and float() does not
  char* end = nullptr;
  const double d = std::strtod(text->c_str(), &end);
  return end == text->c_str() + text->size() ? std::optional(d) : std::nullopt;
}

std::optional<int64_t> whole_of(double d) {
  if (!(std::fabs(d) < 9223372036854775807.0)) {
    if (std::isfinite(d)) throw Trouble{"a whole number grows beyond 64 bits"};
    return std::nullopt;
  }
  return int64_t(d);
}

std::optional<int64_t> integer_of(V v, int64_t base) {
  if (v.is(Kind::Int) || v.is(Kind::Bool)) return v.as_int();
  if (v.is(Kind::String)) {
    auto text = cleaned_number(v.view());
    if (!text) return std::nullopt;
    std::string digits = *text;
    const bool sign = digits[0] == '-' || digits[0] == '+';
    const char prefix = base == 16 ? 'x' : base == 8 ? 'o' : base == 2 ? 'b' : 0;
    if (prefix && digits.size() > size_t(sign) + 2 && digits[sign] == '0' &&
        (digits[size_t(sign) + 1] | 0x20) == prefix)
      digits.erase(sign, 2);
    errno = 0;
    char* end = nullptr;
    const bool starts = digits.size() > size_t(sign) && std::isalnum(static_cast<unsigned char>(digits[sign]));
    const long long i = std::strtoll(digits.c_str(), &end, int(base));
    if (starts && end == digits.c_str() + digits.size()) {
      if (errno == ERANGE) throw Trouble{"a whole number grows beyond 64 bits"};
      return i;
    }
  }
  const auto d = real_of(v);
  return d ? whole_of(*d) : std::nullopt;
}

Value to_integer(Evaluator&, V v, A given) {
  const Binder a("int", given, {"default", "base"});
  need(v);
  const int64_t base = a.integer(1, 10);
  if (base < 2 || base > 36) throw Trouble{"int: the base must be 2 to 36"};
  if (const auto i = integer_of(v, base)) return Value::integer(*i);
  return a.has(0) ? a[0] : Value::integer(0);
}

Value to_real(Evaluator&, V v, A given) {
  const Binder a("float", given, {"default"});
  need(v);
  if (const auto d = real_of(v)) return Value::real(*d);
  return a.has(0) ? a[0] : Value::real(0);
}

Value rounded(Evaluator& e, V v, A given) {
  const Binder a("round", given, {"precision", "method"});
  need(v);
  if (!v.is_number()) throw Trouble{"round: takes a number, found " + std::string(v.type_name())};
  const int64_t precision = std::clamp<int64_t>(a.integer(0, 0), -30, 30);
  const std::string method = a.has(1) ? e.show(a[1]).str() : "common";
  const double d = v.as_double(), scale = std::pow(10.0, double(precision));
  if (method == "ceil" || method == "floor")
    return Value::real((method == "ceil" ? std::ceil(d * scale) : std::floor(d * scale)) / scale);
  if (method != "common") throw Trouble{"round: the method must be common, ceil or floor"};
  if (!v.is(Kind::Float) && precision >= 0) return Value::integer(v.as_int());
  if (precision < 0) {
    const double r = std::nearbyint(d * scale) / scale;
    return v.is(Kind::Float) ? Value::real(r) : Value::integer(whole_of(r).value_or(0));
  }
  // To the nearest decimal of the exact value, ties to even: as printing does.
  if (!std::isfinite(d)) return v;
  return Value::real(std::strtod(fmt::format("{:.{}f}", d, precision).c_str(), nullptr));
}

Value tojson(Evaluator& e, V v, A given) {
  const Binder a("tojson", given, {"indent", "ensure_ascii", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = a.truth(1, false);
  style.sort_keys = a.truth(3, false);
  if (a.has(0) && !a[0].is(Kind::None)) {
    style.lines = true;
    style.item_separator = ",";
    if (a[0].is(Kind::String)) {
      style.indent = a[0].view();
    } else {
      style.indent = std::string(size_t(std::clamp<int64_t>(a.integer(0, 0), 0, 1000)), ' ');
    }
  }
  if (a.has(2) && !a[2].is(Kind::None)) {
    const List both = e.iterate(a[2]);
    if (both.size() != 2 || !both[0].is(Kind::String) || !both[1].is(Kind::String))
      throw Trouble{"tojson: separators must be two texts"};
    style.item_separator = both[0].view();
    style.key_separator = both[1].view();
  }
  return Value::string(to_json(v, style, e.budget()));
}

const Filter kRows[] = {
    {"abs", absolute},  {"attr", attr},      {"d", usual},       {"default", usual},
    {"float", to_real}, {"int", to_integer}, {"round", rounded}, {"tojson", tojson},
};

}  // namespace

std::span<const Filter> value_filters() { return kRows; }

const Filter* find_filter(std::string_view name) {
  for (const auto rows : {text_filters(), list_filters(), value_filters()}) {
    for (const Filter& f : rows) {
      if (f.name == name) return &f;
    }
  }
  return nullptr;
}

}  // namespace apr::chat::jinja
