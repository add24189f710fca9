#include "chat/jinja/print.h"

#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "chat/jinja/operators.h"

namespace apr::chat::jinja {

std::string float_repr(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, d, std::chars_format::scientific);
  std::string_view text(buffer, size_t(end - buffer));
  std::string sign;
  if (text[0] == '-') sign = "-", text.remove_prefix(1);
  const size_t e = text.find('e');
  std::string digits(text.substr(0, e));
  std::erase(digits, '.');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  if (exponent < -4 || exponent >= 16) {
    std::string mantissa = digits.substr(0, 1);
    if (digits.size() > 1) mantissa += "." + digits.substr(1);
    return sign + mantissa + fmt::format("e{}{:02d}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return sign + "0." + std::string(size_t(-exponent - 1), '0') + digits;
  const size_t whole = size_t(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

namespace {

/// What Python's str.isprintable() holds for.
bool is_printable(char32_t c) {
  if (c == ' ') return true;
  switch (utf8proc_category(utf8proc_int32_t(c))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

std::string escaped(std::string_view bytes, char quote) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = next_char(bytes, at);
    const char32_t c = code_point(bytes, at);
    if (c == char32_t(quote) || c == '\\') {
      out += '\\';
      out += char(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_printable(c)) {
      out += bytes.substr(at, end - at);
    } else if (c < 0x100) {
      out += fmt::format("\\x{:02x}", uint32_t(c));
    } else {
      out += c < 0x10000 ? fmt::format("\\u{:04x}", uint32_t(c)) : fmt::format("\\U{:08x}", uint32_t(c));
    }
    at = end;
  }
  return out;
}

void add_repr(const Value& value, Text& out, Budget& budget);

void add_items(const List& items, Text& out, Budget& budget) {
  bool first = true;
  for (const Value& item : items) {
    if (!std::exchange(first, false)) out.append(", ", Origin::Markup);
    add_repr(item, out, budget);
  }
}

void add_repr(const Value& value, Text& out, Budget& budget) {
  budget.step();
  switch (value.kind()) {
    case Kind::String: {
      budget.make(value.text().size());
      const bool both = value.view().find('"') != std::string_view::npos;
      const char quote = value.view().find('\'') != std::string_view::npos && !both ? '"' : '\'';
      const std::string mark(1, quote);
      out.append(mark, Origin::Markup);
      out.append(value.text().mapped([&](std::string_view bytes) { return escaped(bytes, quote); }));
      out.append(mark, Origin::Markup);
      return;
    }
    case Kind::List:
      out.append("[", Origin::Markup);
      add_items(value.items(), out, budget);
      out.append("]", Origin::Markup);
      return;
    case Kind::Tuple:
      out.append("(", Origin::Markup);
      add_items(value.items(), out, budget);
      out.append(value.items().size() == 1 ? ",)" : ")", Origin::Markup);
      return;
    case Kind::Dict: {
      out.append("{", Origin::Markup);
      bool first = true;
      for (const auto& [key, item] : value.as_dict().items()) {
        if (!std::exchange(first, false)) out.append(", ", Origin::Markup);
        add_repr(key, out, budget);
        out.append(": ", Origin::Markup);
        add_repr(item, out, budget);
      }
      out.append("}", Origin::Markup);
      return;
    }
    case Kind::Undefined:
      out.append("Undefined", Origin::Markup);
      return;
    case Kind::None:
      out.append("None", Origin::Markup);
      return;
    case Kind::Bool:
      out.append(value.as_bool() ? "True" : "False", Origin::Markup);
      return;
    case Kind::Int:
      out.append(fmt::format("{}", value.as_int()), Origin::Markup);
      return;
    case Kind::Float:
      out.append(float_repr(value.as_double()), Origin::Markup);
      return;
    case Kind::Object:
      out.append(fmt::format("<{}>", value.type_name()), Origin::Markup);
  }
}

}  // namespace

Text repr(const Value& value, Budget& budget) {
  Text out;
  add_repr(value, out, budget);
  return out;
}

Text to_text(const Value& value, Budget& budget) {
  if (value.is(Kind::String)) return value.text();
  if (value.is_undefined()) return Text();
  return repr(value, budget);
}

namespace {

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget) {}
  Text out;

  void write(const Value& value, int level) {
    budget_.step();
    switch (value.kind()) {
      case Kind::String:
        return string(value.text());
      case Kind::List:
      case Kind::Tuple:
        return list(value.items(), level);
      case Kind::Dict:
        return dict(value.as_dict(), level);
      case Kind::Undefined:
        throw Trouble{value.why()};
      case Kind::Object:
        throw Trouble{"JSON cannot hold an object of type " + std::string(value.type_name())};
      default:
        return raw(scalar(value));
    }
  }

 private:
  void raw(std::string_view text) {
    budget_.make(text.size());
    out.append(text, Origin::Text);
  }
  static std::string scalar(const Value& value) {
    if (value.is(Kind::None)) return "null";
    if (value.is(Kind::Bool)) return value.as_bool() ? "true" : "false";
    if (value.is(Kind::Int)) return fmt::format("{}", value.as_int());
    const double d = value.as_double();
    return std::isnan(d) ? "NaN" : std::isinf(d) ? (d < 0 ? "-Infinity" : "Infinity") : float_repr(d);
  }
  void string(const Text& text) {
    budget_.make(text.size());
    raw("\"");
    out.append(text.mapped([&](std::string_view bytes) { return escape(bytes); }));
    raw("\"");
  }
  std::string escape(std::string_view bytes) const {
    std::string to;
    for (size_t at = 0; at < bytes.size();) {
      const size_t end = next_char(bytes, at);
      const char c = bytes[at];
      constexpr std::string_view special = "\"\\\n\r\t\b\f", letters = "\"\\nrtbf";
      if (const size_t i = special.find(c); i != special.npos) {
        to += '\\';
        to += letters[i];
      } else if (static_cast<unsigned char>(c) < 0x20) {
        to += fmt::format("\\u{:04x}", unsigned(c));
      } else if (style_.ascii && static_cast<unsigned char>(c) >= 0x7f) {
        append_ascii(to, code_point(bytes, at));
      } else {
        to += bytes.substr(at, end - at);
      }
      at = end;
    }
    return to;
  }
  static void append_ascii(std::string& to, char32_t c) {
    if (c == 0x7f) {
      to += char(c);
    } else if (c < 0x10000) {
      to += fmt::format("\\u{:04x}", uint32_t(c));
    } else {
      to += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (uint32_t(c - 0x10000) >> 10),
                        0xDC00 + (uint32_t(c - 0x10000) & 0x3ff));
    }
  }
  void new_line(int level) {
    if (!style_.lines) return;
    raw("\n");
    for (int i = 0; i < level; ++i) raw(style_.indent);
  }
  void list(const List& items, int level) {
    if (items.empty()) return raw("[]");
    raw("[");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) raw(style_.item_separator);
      new_line(level + 1);
      write(items[i], level + 1);
    }
    new_line(level);
    raw("]");
  }
  void key(const Value& k) {
    if (k.is(Kind::String)) return string(k.text());
    if (k.is_number() || k.is(Kind::None)) return raw("\"" + scalar(k) + "\"");
    throw Trouble{"JSON cannot have a key of type " + std::string(k.type_name())};
  }
  void dict(const Dict& dict, int level) {
    if (dict.size() == 0) return raw("{}");
    auto entries = dict.items();
    if (style_.sort_keys) {
      std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
        if (!a.first.is(Kind::String) || !b.first.is(Kind::String))
          throw Trouble{"keys of different types cannot be sorted"};
        return a.first.view() < b.first.view();
      });
    }
    raw("{");
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) raw(style_.item_separator);
      new_line(level + 1);
      key(entries[i].first);
      raw(style_.key_separator);
      write(entries[i].second, level + 1);
    }
    new_line(level);
    raw("}");
  }

  const JsonStyle& style_;
  Budget& budget_;
};

}  // namespace

Text to_json(const Value& value, const JsonStyle& style, Budget& budget) {
  JsonWriter writer(style, budget);
  writer.write(value, 0);
  return std::move(writer.out);
}

}  // namespace apr::chat::jinja
