#include <utf8proc.h>

#include <algorithm>

#include "chat/jinja/filters.h"
#include "chat/jinja/format.h"
#include "chat/jinja/letters.h"
#include "chat/jinja/print.h"
#include "chat/jinja/text_methods.h"

namespace apr::chat::jinja {
namespace {

using A = const Arguments&;
using V = const Value&;

template <Text (*change)(const Text&)>
Value changed(Evaluator& e, V v, A given) {
  const Binder none("filter", given, {});
  const Text text = e.show(v);
  e.budget().make(text.size());
  return Value::string(change(text));
}

Value center(Evaluator& e, V v, A given) {
  const Binder a("center", given, {"width"});
  return Value::string(aligned(e, e.show(v), '^', a.integer(0, 80), " "));
}

Value escape(Evaluator& e, V v, A given) {
  const Binder none("escape", given, {});
  const Text text = e.show(v);
  e.budget().make(text.size(), 5);
  return Value::string(text.mapped([](std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
      constexpr std::string_view special = "&<>'\"";
      constexpr std::string_view names[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
      const size_t i = special.find(c);
      i == special.npos ? void(out += c) : void(out += names[i]);
    }
    return out;
  }));
}

Value format(Evaluator& e, V v, A given) {
  if (!given.positional.empty() && !given.named.empty())
    throw Trouble{"format: takes arguments with names or without, not both"};
  return format_percent(e, e.show(v), given);
}

/// The lines of a text, and one more where it ends with a newline.
std::vector<Text> lines_of(const Text& text) {
  std::vector<Text> lines;
  const std::string_view s = text.view();
  size_t begin = 0;
  for (size_t at = 0; at < s.size();) {
    const char32_t c = code_point(s, at);
    size_t next = next_char(s, at);
    if ((c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029) {
      if (c == '\r' && next < s.size() && s[next] == '\n') ++next;
      lines.push_back(text.slice(begin, at));
      begin = next;
    }
    at = next;
  }
  lines.push_back(text.slice(begin, s.size()));
  return lines;
}

Value indent(Evaluator& e, V v, A given) {
  const Binder a("indent", given, {"width", "first", "blank"});
  const bool first = a.truth(1, false), blank = a.truth(2, false);
  Text space;
  if (a.has(0) && a[0].is(Kind::String)) {
    space = a[0].text();
  } else {
    const int64_t width = std::max<int64_t>(0, a.integer(0, 4));
    e.budget().make(size_t(width));
    space = Text(std::string(size_t(width), ' '), Origin::Markup);
  }
  const std::vector<Text> lines = lines_of(e.show(v));
  Text out;
  for (size_t i = 0; i < lines.size(); ++i) {
    e.budget().make(lines[i].size() + space.size() + 1);
    if (i > 0) out.append("\n", Origin::Markup);
    if (i == 0 ? first : blank || !lines[i].empty()) out.append(space);
    out.append(lines[i]);
  }
  return Value::string(std::move(out));
}

Value replace(Evaluator& e, V v, A given) {
  const Binder a("replace", given, {"old", "new", "count"});
  const int64_t most = a.has(2) && !a[2].is(Kind::None) ? a.integer(2, -1) : -1;
  return Value::string(replaced(e, e.show(v), e.show(a[0]), e.show(a[1]), most));
}

Value trim(Evaluator& e, V v, A given) {
  const Binder a("trim", given, {"chars"});
  const Value* characters = a.has(0) && !a[0].is(Kind::None) ? &a[0] : nullptr;
  return Value::string(stripped(e.show(v), characters, true, true));
}

/// Words begin with a capital; they stand behind spaces, hyphens and opening brackets.
Value title(Evaluator& e, V v, A given) {
  const Binder none("title", given, {});
  const Text text = e.show(v);
  e.budget().make(text.size());
  bool begins = true;
  return Value::string(text.mapped([&](std::string_view bytes) {
    std::string out;
    for (size_t at = 0; at < bytes.size(); at = next_char(bytes, at)) {
      const char32_t c = code_point(bytes, at);
      append_utf8(out,
                  char32_t(begins ? utf8proc_toupper(utf8proc_int32_t(c)) : utf8proc_tolower(utf8proc_int32_t(c))));
      begins = is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    }
    return out;
  }));
}

Value truncate(Evaluator& e, V v, A given) {
  const Binder a("truncate", given, {"length", "killwords", "end", "leeway"});
  const Text text = e.show(v), end = a.text(2, "...");
  const int64_t length = a.integer(0, 255), leeway = a.integer(3, 5), tail = int64_t(count_chars(end.view()));
  if (length < tail) throw Trouble{fmt::format("truncate: the length must be at least {}, found {}", tail, length)};
  if (leeway < 0) throw Trouble{fmt::format("truncate: the leeway must be at least 0, found {}", leeway)};
  const int64_t characters = int64_t(count_chars(text.view()));
  if (characters - leeway <= length) return Value::string(text);
  Text out = text.slice(0, byte_of(text.view(), size_t(length - tail)));
  if (!a.truth(1, false)) {
    const size_t space = out.view().rfind(' ');
    if (space != std::string_view::npos) out = out.slice(0, space);
  }
  out.append(end);
  return Value::string(std::move(out));
}

/// in_query: as in what stands behind the ? of an address.
std::string quoted(std::string_view bytes, bool in_query) {
  std::string out;
  for (const char c : bytes) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("_.-~").find(c) != std::string_view::npos || (c == '/' && !in_query);
    plain                  ? void(out += c)
    : c == ' ' && in_query ? void(out += '+')
                           : void(out += fmt::format("%{:02X}", static_cast<unsigned char>(c)));
  }
  return out;
}

Value urlencode(Evaluator& e, V v, A given) {
  const Binder none("urlencode", given, {});
  if (!v.is(Kind::Dict) && !v.is_sequence()) {
    const Text text = e.show(v);
    e.budget().make(text.size(), 3);
    return Value::string(text.mapped([](std::string_view bytes) { return quoted(bytes, false); }));
  }
  Text out;
  List pairs;
  if (v.is(Kind::Dict)) {
    for (const auto& [key, value] : v.as_dict().items()) pairs.push_back(Value::tuple({key, value}));
  } else {
    pairs = v.items();
  }
  const auto part = [](const Text& t) { return t.mapped([](std::string_view bytes) { return quoted(bytes, true); }); };
  for (const Value& pair : pairs) {
    const List two = e.iterate(pair);
    if (two.size() != 2) throw Trouble{"urlencode: expected pairs"};
    if (!out.empty()) out.append("&", Origin::Markup);
    const Text key = e.show(two[0]), value = e.show(two[1]);
    e.budget().make(key.size() + value.size(), 3);
    out.append(part(key));
    out.append("=", Origin::Markup);
    out.append(part(value));
  }
  return Value::string(std::move(out));
}

Value wordcount(Evaluator& e, V v, A given) {
  const Binder none("wordcount", given, {});
  const Text text = e.show(v);
  e.budget().step(text.size() / 16);
  int64_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < text.size(); at = next_char(text.view(), at)) {
    const auto c = utf8proc_int32_t(code_point(text.view(), at));
    const auto k = utf8proc_category(c);
    const bool word = c == '_' || (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
                      (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
    words += word && !inside;
    inside = word;
  }
  return Value::integer(words);
}

Value filesize(Evaluator&, V v, A given) {
  const Binder a("filesizeformat", given, {"binary"});
  if (!v.is_number()) throw Trouble{"filesizeformat: takes a number, found " + std::string(v.type_name())};
  const bool binary = a.truth(0, false);
  const double bytes = v.as_double(), base = binary ? 1024 : 1000;
  constexpr std::string_view letters = "kMGTPEZY";
  std::string text = bytes == 1 ? "1 Byte" : fmt::format("{} Bytes", int64_t(std::clamp(bytes, -9e18, 9e18)));
  double unit = base;
  for (size_t i = 0; i < letters.size() && bytes >= unit; ++i, unit *= base) {
    const char letter = binary && letters[i] == 'k' ? 'K' : letters[i];
    text = fmt::format("{:.1f} {}{}", bytes / unit, letter, binary ? "iB" : "B");
  }
  return Value::string(text, Origin::Markup);
}

Value string(Evaluator& e, V v, A given) {
  const Binder none("string", given, {});
  return Value::string(e.show(v));
}

const Filter kRows[] = {
    {"capitalize", changed<capitalized>},
    {"center", center},
    {"e", escape},
    {"escape", escape},
    {"filesizeformat", filesize},
    {"forceescape", escape},
    {"format", format},
    {"indent", indent},
    {"lower", changed<lower>},
    {"replace", replace},
    {"safe", string},
    {"string", string},
    {"title", title},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", changed<upper>},
    {"urlencode", urlencode},
    {"wordcount", wordcount},
};

}  // namespace

std::span<const Filter> text_filters() { return kRows; }

}  // namespace apr::chat::jinja
