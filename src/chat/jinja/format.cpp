#include "chat/jinja/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "chat/jinja/print.h"

namespace apr::chat::jinja {
namespace {

constexpr int kWidest = 1'000'000;  // beyond it a width can only be meant to do harm

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A whole number at `at`, if one stands there.
std::optional<int> number_at(std::string_view text, size_t& at) {
  if (at >= text.size() || !is_digit(text[at])) return std::nullopt;
  int n = 0;
  const auto [stop, error] = std::from_chars(text.data() + at, text.data() + text.size(), n);
  if (error != std::errc() || n > kWidest) throw Trouble{"a width or precision is too large"};
  at = size_t(stop - text.data());
  return n;
}

struct Spec {
  std::string fill = " ";
  char align = 0;  ///< '<', '>', '^', '=' or none
  char sign = '-';
  bool alternate = false, zeros = false, commas = false;
  int width = 0, precision = -1;
  char type = 0;
};

std::string in_base(int64_t value, int base, bool upper) {
  char digits[70];
  const uint64_t magnitude = value < 0 ? 0 - uint64_t(value) : uint64_t(value);
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, magnitude, base);
  std::string text(digits, end);
  if (upper) std::ranges::transform(text, text.begin(), [](char c) { return c >= 'a' && c <= 'f' ? char(c - 32) : c; });
  return text;
}

std::string real_digits(double d, char type, int precision) {
  const double magnitude = std::fabs(d);
  if (std::isnan(d) || std::isinf(d)) {
    std::string text = std::isnan(d) ? "nan" : "inf";
    if (type >= 'A' && type <= 'Z') std::ranges::transform(text, text.begin(), [](char c) { return char(c - 32); });
    return text;
  }
  char format[] = "%.*f";
  format[3] = type;
  const int p = std::min(precision < 0 ? 6 : precision, 400);
  std::string text(size_t(std::snprintf(nullptr, 0, format, p, magnitude)), '\0');
  std::snprintf(text.data(), text.size() + 1, format, p, magnitude);
  return text;
}

void add_commas(std::string& digits) {
  size_t end = 0;
  while (end < digits.size() && is_digit(digits[end])) ++end;
  for (size_t at = end; at > 3; at -= 3) digits.insert(at - 3, ",");
}

std::string with_sign(bool negative, const Spec& spec, std::string digits) {
  const std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  const size_t missing = size_t(std::max(0, spec.width - int(sign.size() + digits.size())));
  if (spec.align == '=') return sign + std::string(missing, spec.fill[0]) + digits;
  return sign + digits;
}

std::string number_text(const Value& value, const Spec& spec) {
  const char t = spec.type;
  if (t == 'd' || t == 'x' || t == 'X' || t == 'o' || t == 'b' || (t == 0 && !value.is(Kind::Float))) {
    const int64_t i = value.as_int();
    std::string digits = in_base(i, t == 'x' || t == 'X' ? 16 : t == 'o' ? 8 : t == 'b' ? 2 : 10, t == 'X');
    if (spec.commas) add_commas(digits);
    if (spec.precision > int(digits.size())) digits.insert(0, size_t(spec.precision) - digits.size(), '0');
    if (spec.alternate && t != 'd' && t != 0) digits = std::string("0") + t + digits;
    return with_sign(i < 0, spec, digits);
  }
  const double d = value.as_double();
  const bool negative = std::signbit(d) && !std::isnan(d);
  if (t == 0 && spec.precision < 0) {
    std::string text = float_repr(std::fabs(d));
    if (spec.commas) add_commas(text);
    return with_sign(negative, spec, text);
  }
  std::string digits =
      t == '%' ? real_digits(d * 100, 'f', spec.precision) + "%" : real_digits(d, t == 0 ? 'g' : t, spec.precision);
  if (spec.commas) add_commas(digits);
  return with_sign(negative, spec, digits);
}

/// The argument that a place in a format stands for.
class Feed {
 public:
  Feed(const Arguments& arguments) : arguments_(arguments) {}
  const Value& next() {
    if (next_ >= arguments_.positional.size()) throw Trouble{"format: there are fewer arguments than places for them"};
    return arguments_.positional[next_++];
  }
  const Value& at(size_t i) {
    if (i >= arguments_.positional.size()) throw Trouble{fmt::format("format: there is no argument {}", i)};
    return arguments_.positional[i];
  }
  const Value& named(std::string_view name) {
    for (const auto& [n, value] : arguments_.named) {
      if (n == name) return value;
    }
    if (arguments_.positional.size() == 1 && arguments_.positional[0].is(Kind::Dict)) {
      if (const Value* found = arguments_.positional[0].as_dict().find(name)) return *found;
    }
    throw Trouble{"format: there is no argument '" + std::string(name) + "'"};
  }
  bool all_used() const { return next_ >= arguments_.positional.size() || next_ == 0; }
  bool used_any() const { return next_ > 0; }
  size_t left() const { return arguments_.positional.size() - next_; }

 private:
  const Arguments& arguments_;
  size_t next_ = 0;
};

const Value& need_number(const Value& v, char type) {
  if (v.is_undefined()) throw Trouble{v.why()};
  if (!v.is_number()) throw Trouble{fmt::format("format: %{} needs a number, found {}", type, v.type_name())};
  return v;
}

Text cut(const Text& text, int precision) {
  if (precision < 0) return text;
  return text.slice(0, byte_of(text.view(), size_t(precision)));
}

Text percent_item(Evaluator& e, const Value& value, Spec spec) {
  const char t = spec.type;
  if (t == 's' || t == 'r' || t == 'a') {
    const Text text = cut(t == 's' ? e.show(value) : repr(value, e.budget()), spec.precision);
    return aligned(e, text, spec.align == '<' ? '<' : '>', spec.width, " ");
  }
  if (t == 'c') {
    if (value.is(Kind::String)) return aligned(e, value.text(), spec.align == '<' ? '<' : '>', spec.width, " ");
    std::string c;
    append_utf8(c, char32_t(need_number(value, t).as_int()));
    return Text(c, Origin::Markup);
  }
  need_number(value, t);
  if (spec.zeros && spec.align != '<') spec.align = '=', spec.fill = "0";
  Value number = value;
  if (t == 'd' || t == 'i' || t == 'u') {
    spec.type = 'd';
    if (value.is(Kind::Float)) {
      if (!(std::fabs(value.as_double()) < 9.2e18)) throw Trouble{"format: the number does not fit 64 bits"};
      number = Value::integer(int64_t(value.as_double()));
    }
  } else if (t == 'x' || t == 'X' || t == 'o') {
    if (value.is(Kind::Float)) throw Trouble{fmt::format("format: %{} needs a whole number, found float", t)};
  } else if (std::string_view("fFeEgG").find(t) == std::string_view::npos) {
    throw Trouble{fmt::format("format: %{} is not supported", t)};
  }
  e.budget().make(size_t(spec.width) + size_t(std::max(0, spec.precision)));
  return aligned(e, Text(number_text(number, spec), Origin::Markup), spec.align == '<' ? '<' : '>', spec.width, " ");
}

}  // namespace

Text aligned(Evaluator& e, const Text& text, char align, int64_t width, std::string_view fill) {
  const int64_t length = int64_t(count_chars(text.view()));
  if (width <= length) return text;
  const size_t missing = size_t(width - length);
  e.budget().make(text.size() + missing, fill.size());
  // Python's str.center(): of an odd number the larger part goes left, if the width is odd.
  const size_t left = align == '<' ? 0 : align == '>' ? missing : missing / 2 + (missing & size_t(width) & 1);
  Text out;
  std::string space;
  for (size_t i = 0; i < left; ++i) space += fill;
  out.append(space, Origin::Markup);
  out.append(text);
  space.clear();
  for (size_t i = left; i < missing; ++i) space += fill;
  out.append(space, Origin::Markup);
  return out;
}

Value format_percent(Evaluator& e, const Text& format, const Arguments& arguments) {
  const std::string_view text = format.view();
  Feed feed(arguments);
  bool by_name = false;
  Text out;
  for (size_t at = 0; at < text.size();) {
    const size_t percent = std::min(text.find('%', at), text.size());
    e.budget().make(percent - at);
    out.append(format, at, percent);
    if (percent == text.size()) break;
    at = percent + 1;
    std::optional<Value> named;
    if (at < text.size() && text[at] == '(') {
      const size_t close = text.find(')', at);
      if (close == std::string_view::npos) throw Trouble{"format: %( is never closed"};
      named = feed.named(text.substr(at + 1, close - at - 1));
      by_name = true;
      at = close + 1;
    }
    Spec spec;
    for (; at < text.size() && std::string_view("-+ #0").find(text[at]) != std::string_view::npos; ++at) {
      if (text[at] == '-') spec.align = '<';
      if (text[at] == '+' || (text[at] == ' ' && spec.sign != '+')) spec.sign = text[at];
      if (text[at] == '#') spec.alternate = true;
      if (text[at] == '0') spec.zeros = true;
    }
    if (at < text.size() && text[at] == '*') {
      const int64_t width = need_number(feed.next(), '*').as_int();
      if (width > kWidest || width < -kWidest) throw Trouble{"a width or precision is too large"};
      spec.width = int(width < 0 ? -width : width);
      if (width < 0) spec.align = '<';
      ++at;
    } else {
      spec.width = number_at(text, at).value_or(0);
    }
    if (at < text.size() && text[at] == '.') {
      ++at;
      spec.precision = number_at(text, at).value_or(0);
    }
    while (at < text.size() && (text[at] == 'l' || text[at] == 'h' || text[at] == 'L')) ++at;
    if (at >= text.size()) throw Trouble{"format: it ends within a %"};
    spec.type = text[at++];
    if (spec.type == '%') {
      out.append("%", format.origin_at(at - 1));
    } else {
      out.append(percent_item(e, named ? *named : feed.next(), spec));
    }
  }
  if (!by_name && feed.left() > 0 && !(arguments.positional.size() == 1 && arguments.positional[0].is(Kind::Dict)))
    throw Trouble{"format: not all arguments were used"};
  return Value::string(std::move(out));
}

namespace {

Spec read_spec(std::string_view text) {
  Spec spec;
  size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  if (!text.empty()) {
    const size_t second = next_char(text, 0);
    if (second < text.size() && is_align(text[second])) {
      spec.fill = text.substr(0, second);
      spec.align = text[second];
      at = second + 1;
    } else if (is_align(text[0])) {
      spec.align = text[0];
      at = 1;
    }
  }
  if (at < text.size() && (text[at] == '+' || text[at] == '-' || text[at] == ' ')) spec.sign = text[at++];
  if (at < text.size() && text[at] == '#') spec.alternate = true, ++at;
  if (at < text.size() && text[at] == '0') {
    if (!spec.align) spec.align = '=', spec.fill = "0";
    ++at;
  }
  spec.width = number_at(text, at).value_or(0);
  if (at < text.size() && text[at] == ',') spec.commas = true, ++at;
  if (at < text.size() && text[at] == '.') {
    ++at;
    const auto precision = number_at(text, at);
    if (!precision) throw Trouble{"format: the precision is missing"};
    spec.precision = *precision;
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size() || (spec.type && std::string_view("sdxXobfFeEgG%").find(spec.type) == std::string_view::npos))
    throw Trouble{"format: the specification '" + std::string(text) + "' is not supported"};
  return spec;
}

Text formatted(Evaluator& e, const Value& value, std::string_view specification) {
  const Spec spec = read_spec(specification);
  e.budget().make(size_t(spec.width) + size_t(std::max(0, spec.precision)));
  const bool number = value.is_number() && spec.type != 's' && !(value.is(Kind::Bool) && specification.empty());
  if (number &&
      !(value.is(Kind::Float) && spec.type && std::string_view("dxXob").find(spec.type) != std::string_view::npos)) {
    const char align = spec.align && spec.align != '=' ? spec.align : '>';
    return aligned(e, Text(number_text(value, spec), Origin::Markup), align, spec.width, spec.fill);
  }
  if ((spec.type && spec.type != 's') || spec.align == '=')
    throw Trouble{"format: the specification '" + std::string(specification) + "' does not suit " +
                  std::string(value.type_name())};
  return aligned(e, cut(e.show(value), spec.precision), spec.align ? spec.align : '<', spec.width, spec.fill);
}

/// name.attribute[item]…
Value field_value(Evaluator& e, Feed& feed, std::string_view field) {
  size_t end = std::min(field.find_first_of(".["), field.size());
  const std::string_view first = field.substr(0, end);
  size_t at = 0;
  Value value;
  if (first.empty()) {
    value = feed.next();
  } else if (const auto i = number_at(first, at); i && at == first.size()) {
    value = feed.at(size_t(*i));
  } else {
    value = feed.named(first);
  }
  while (end < field.size()) {
    if (field[end] == '.') {
      const size_t stop = std::min(field.find_first_of(".[", end + 1), field.size());
      value = e.attribute(value, field.substr(end + 1, stop - end - 1));
      end = stop;
    } else {
      const size_t close = field.find(']', end);
      if (close == std::string_view::npos) throw Trouble{"format: [ is never closed"};
      const std::string_view key = field.substr(end + 1, close - end - 1);
      size_t digits = 0;
      const auto i = number_at(key, digits);
      value = e.item(value, i && digits == key.size() ? Value::integer(*i) : Value::string(key, Origin::Markup));
      end = close + 1;
    }
    if (value.is_undefined()) throw Trouble{value.why()};
  }
  return value;
}

}  // namespace

Value format_braces(Evaluator& e, const Text& format, const Arguments& arguments) {
  const std::string_view text = format.view();
  Feed feed(arguments);
  Text out;
  for (size_t at = 0; at < text.size();) {
    const size_t brace = std::min(text.find_first_of("{}", at), text.size());
    e.budget().make(brace - at);
    out.append(format, at, brace);
    if (brace == text.size()) break;
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
      out.append(format, brace, brace + 1);
      at = brace + 2;
      continue;
    }
    if (text[brace] == '}') throw Trouble{"format: a single } stands there"};
    const size_t close = text.find('}', brace);
    if (close == std::string_view::npos) throw Trouble{"format: { is never closed"};
    std::string_view inside = text.substr(brace + 1, close - brace - 1), specification;
    if (inside.find('{') != std::string_view::npos) throw Trouble{"format: places within places are not supported"};
    if (const size_t colon = inside.find(':'); colon != std::string_view::npos) {
      specification = inside.substr(colon + 1);
      inside = inside.substr(0, colon);
    }
    char conversion = 0;
    if (inside.size() >= 2 && inside[inside.size() - 2] == '!') {
      conversion = inside.back();
      inside.remove_suffix(2);
      if (conversion != 's' && conversion != 'r') throw Trouble{"format: only !s and !r are supported"};
    }
    Value value = field_value(e, feed, inside);
    if (conversion == 's') value = Value::string(e.show(value));
    if (conversion == 'r') value = Value::string(repr(value, e.budget()));
    out.append(formatted(e, value, specification));
    at = close + 1;
  }
  return Value::string(std::move(out));
}

}  // namespace apr::chat::jinja
