#include "chat/jinja/text_methods.h"

#include <algorithm>

#include "chat/jinja/format.h"
#include "chat/jinja/letters.h"

namespace apr::chat::jinja {
namespace {

// --- splitting ----------------------------------------------------------------------------------------------------

Value pieces_of(std::vector<Text> pieces) {
  List items;
  for (Text& piece : pieces) items.push_back(Value::string(std::move(piece)));
  return Value::list(std::move(items));
}

std::vector<Text> split_at_space(const Text& text, int64_t most) {
  std::vector<Text> pieces;
  const std::string_view s = text.view();
  size_t at = 0;
  const auto skip = [&] {
    while (at < s.size() && is_space(code_point(s, at))) at = next_char(s, at);
  };
  for (skip(); at < s.size(); skip()) {
    if (most >= 0 && int64_t(pieces.size()) == most) {
      pieces.push_back(text.slice(at, s.size()));
      break;
    }
    const size_t begin = at;
    while (at < s.size() && !is_space(code_point(s, at))) at = next_char(s, at);
    pieces.push_back(text.slice(begin, at));
  }
  return pieces;
}

std::vector<Text> split_at_space_from_end(const Text& text, int64_t most) {
  std::vector<Text> pieces;
  const std::string_view s = text.view();
  size_t at = s.size();
  const auto skip = [&] {
    while (at > 0 && is_space(code_point(s, previous_char(s, at)))) at = previous_char(s, at);
  };
  for (skip(); at > 0; skip()) {
    if (most >= 0 && int64_t(pieces.size()) == most) {
      pieces.push_back(text.slice(0, at));
      break;
    }
    const size_t end = at;
    while (at > 0 && !is_space(code_point(s, previous_char(s, at)))) at = previous_char(s, at);
    pieces.push_back(text.slice(at, end));
  }
  std::ranges::reverse(pieces);
  return pieces;
}

Value split(Evaluator& e, const Text& text, const Arguments& given, bool from_end) {
  const Binder a(from_end ? "rsplit" : "split", given, {"sep", "maxsplit"});
  const int64_t most = a.integer(1, -1);
  e.budget().make(text.size() + 1, sizeof(Value) / 2);
  if (!a.has(0) || a[0].is(Kind::None))
    return pieces_of(from_end ? split_at_space_from_end(text, most) : split_at_space(text, most));
  const Text separator = a.text(0, "");
  if (separator.empty()) throw Trouble{"split: the separator is empty"};
  std::vector<Text> pieces;
  const std::string_view s = text.view();
  if (!from_end) {
    size_t begin = 0;
    for (size_t at; (most < 0 || int64_t(pieces.size()) < most) &&
                    (at = s.find(separator.view(), begin)) != std::string_view::npos;
         begin = at + separator.size())
      pieces.push_back(text.slice(begin, at));
    pieces.push_back(text.slice(begin, s.size()));
    return pieces_of(std::move(pieces));
  }
  size_t end = s.size();
  while ((most < 0 || int64_t(pieces.size()) < most) && end >= separator.size()) {
    const size_t at = s.rfind(separator.view(), end - separator.size());
    if (at == std::string_view::npos) break;
    pieces.push_back(text.slice(at + separator.size(), end));
    end = at;
  }
  pieces.push_back(text.slice(0, end));
  std::ranges::reverse(pieces);
  return pieces_of(std::move(pieces));
}

Value split_lines(Evaluator& e, const Text& text, const Arguments& given) {
  const Binder a("splitlines", given, {"keepends"});
  const bool keep = a.truth(0, false);
  e.budget().make(text.size() + 1, sizeof(Value) / 2);
  std::vector<Text> lines;
  const std::string_view s = text.view();
  size_t begin = 0;
  for (size_t at = 0; at < s.size();) {
    const char32_t c = code_point(s, at);
    size_t next = next_char(s, at);
    const bool ends = (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (ends) {
      if (c == '\r' && next < s.size() && s[next] == '\n') ++next;
      lines.push_back(text.slice(begin, keep ? next : at));
      begin = next;
    }
    at = next;
  }
  if (begin < s.size()) lines.push_back(text.slice(begin, s.size()));
  return pieces_of(std::move(lines));
}

Value partition(const Text& text, const Arguments& given, bool last) {
  const Binder a(last ? "rpartition" : "partition", given, {"sep"});
  const Text separator = a[0].is(Kind::String) ? a.text(0, "") : Text();
  if (separator.empty()) throw Trouble{"partition: the separator must be text, and not empty"};
  const size_t at = last ? text.view().rfind(separator.view()) : text.view().find(separator.view());
  const auto value = [](Text t) { return Value::string(std::move(t)); };
  if (at == std::string_view::npos)
    return last ? Value::tuple({value(Text()), value(Text()), value(text)})
                : Value::tuple({value(text), value(Text()), value(Text())});
  const size_t end = at + separator.size();
  return Value::tuple({value(text.slice(0, at)), value(text.slice(at, end)), value(text.slice(end, text.size()))});
}

// --- looking ------------------------------------------------------------------------------------------------------

/// The bytes of text[start:end], as methods that look for something count them.
struct Window {
  size_t begin, end;
  bool valid;  ///< start does not stand behind the text's end
};
Window window(const Text& text, const Binder& a, size_t first) {
  const int64_t n = int64_t(count_chars(text.view()));
  const auto place = [&](size_t i, int64_t usual) {
    if (!a.has(i) || a[i].is(Kind::None)) return usual;
    const int64_t at = a.integer(i, usual);
    return at < 0 ? std::max<int64_t>(0, at + n) : at;
  };
  const int64_t start = place(first, 0), end = std::min(place(first + 1, n), n);
  if (start > n || start > end) return {0, 0, false};
  return {byte_of(text.view(), size_t(start)), byte_of(text.view(), size_t(end)), true};
}

Value find(Evaluator& e, const Text& text, const Arguments& given, std::string_view name) {
  const Binder a(name, given, {"sub", "start", "end"});
  if (!a.has(0)) a[0];
  const Text sought = a.text(0, "");
  e.budget().step(text.size() / 16);
  const Window w = window(text, a, 1);
  const std::string_view s = w.valid ? text.view().substr(w.begin, w.end - w.begin) : std::string_view();
  const size_t at = !w.valid                ? std::string_view::npos
                    : name.starts_with("r") ? s.rfind(sought.view())
                                            : s.find(sought.view());
  if (at != std::string_view::npos) return Value::integer(int64_t(count_chars(text.view().substr(0, w.begin + at))));
  if (name.ends_with("index")) throw Trouble{std::string(name) + ": the text is not there"};
  return Value::integer(-1);
}

Value count(Evaluator& e, const Text& text, const Arguments& given) {
  const Binder a("count", given, {"sub", "start", "end"});
  if (!a.has(0)) a[0];
  const Text sought = a.text(0, "");
  e.budget().step(text.size() / 16);
  const Window w = window(text, a, 1);
  if (!w.valid) return Value::integer(0);
  const std::string_view s = text.view().substr(w.begin, w.end - w.begin);
  if (sought.empty()) return Value::integer(int64_t(count_chars(s)) + 1);
  int64_t n = 0;
  for (size_t at = s.find(sought.view()); at != std::string_view::npos; at = s.find(sought.view(), at + sought.size()))
    ++n;
  return Value::integer(n);
}

Value begins_or_ends(const Text& text, const Arguments& given, bool ends) {
  const Binder a(ends ? "endswith" : "startswith", given, {"prefix", "start", "end"});
  const Window w = window(text, a, 1);
  const std::string_view s = w.valid ? text.view().substr(w.begin, w.end - w.begin) : std::string_view();
  const auto fits = [&](const Value& v) {
    if (v.is_undefined()) throw Trouble{v.why()};
    if (!v.is(Kind::String))
      throw Trouble{"startswith and endswith take text or a tuple of text, found " + std::string(v.type_name())};
    return w.valid && (ends ? s.ends_with(v.view()) : s.starts_with(v.view()));
  };
  if (a[0].is(Kind::Tuple)) return Value::boolean(std::ranges::any_of(a[0].items(), fits));
  return Value::boolean(fits(a[0]));
}

// --- the rest -----------------------------------------------------------------------------------------------------

Value join(Evaluator& e, const Text& separator, const Arguments& given) {
  const Binder a("join", given, {"iterable"});
  if (a[0].is_undefined()) throw Trouble{a[0].why()};
  Text out;
  bool first = true;
  for (const Value& item : e.iterate(a[0])) {
    if (item.is_undefined()) throw Trouble{item.why()};
    if (!item.is(Kind::String)) throw Trouble{"join: takes text only, found " + std::string(item.type_name())};
    e.budget().make(separator.size() + item.text().size());
    if (!std::exchange(first, false)) out.append(separator);
    out.append(item.text());
  }
  return Value::string(std::move(out));
}

Value justify(Evaluator& e, const Text& text, const Arguments& given, std::string_view name, char align) {
  const Binder a(name, given, {"width", "fillchar"});
  if (!a.has(0)) a[0];
  const Text fill = a.text(1, " ");
  if (count_chars(fill.view()) != 1) throw Trouble{std::string(name) + ": the fill must be one character"};
  return Value::string(aligned(e, text, align, a.integer(0, 0), fill.view()));
}

Value zero_fill(Evaluator& e, const Text& text, const Arguments& given) {
  const Binder a("zfill", given, {"width"});
  if (!a.has(0)) a[0];
  const bool sign = !text.empty() && (text.view()[0] == '-' || text.view()[0] == '+');
  Text digits = aligned(e, text.slice(sign, text.size()), '>', a.integer(0, 0) - sign, "0");
  Text out = text.slice(0, sign);
  out.append(digits);
  return Value::string(std::move(out));
}

Value strip(const Text& text, const Arguments& given, std::string_view name) {
  const Binder a(name, given, {"chars"});
  const Value* characters = a.has(0) && !a[0].is(Kind::None) ? &a[0] : nullptr;
  return Value::string(stripped(text, characters, name != "rstrip", name != "lstrip"));
}

Value remove_affix(const Text& text, const Arguments& given, bool prefix) {
  const Binder a(prefix ? "removeprefix" : "removesuffix", given, {"affix"});
  if (!a.has(0)) a[0];
  const Text affix = a.text(0, "");
  if (affix.empty()) return Value::string(text);
  if (prefix)
    return Value::string(text.view().starts_with(affix.view()) ? text.slice(affix.size(), text.size()) : text);
  return Value::string(text.view().ends_with(affix.view()) ? text.slice(0, text.size() - affix.size()) : text);
}

Value replace(Evaluator& e, const Text& text, const Arguments& given) {
  const Binder a("replace", given, {"old", "new", "count"});
  if (!a.has(0) || !a.has(1)) a[a.has(0) ? 1 : 0];
  return Value::string(replaced(e, text, a.text(0, ""), a.text(1, ""), a.integer(2, -1)));
}

Value expand_tabs(Evaluator& e, const Text& text, const Arguments& given) {
  const Binder a("expandtabs", given, {"tabsize"});
  const int64_t size = std::clamp<int64_t>(a.integer(0, 8), 0, 1000);
  int64_t column = 0;
  e.budget().make(text.size() + size_t(std::ranges::count(text.view(), '\t')) * size_t(size));
  return Value::string(text.mapped([&](std::string_view bytes) {
    std::string out;
    for (size_t at = 0; at < bytes.size();) {
      const size_t end = next_char(bytes, at);
      if (bytes[at] == '\t') {
        const int64_t spaces = size == 0 ? 0 : size - column % size;
        out.append(size_t(spaces), ' ');
        column += spaces;
      } else {
        out += bytes.substr(at, end - at);
        column = bytes[at] == '\n' || bytes[at] == '\r' ? 0 : column + 1;
      }
      at = end;
    }
    return out;
  }));
}

template <Text (*change)(const Text&)>
Value changed(Evaluator& e, const Text& text, const Arguments& given) {
  const Binder none("method", given, {});
  e.budget().make(text.size());
  return Value::string(change(text));
}

template <bool (*holds)(std::string_view)>
Value tested(Evaluator&, const Text& text, const Arguments& given) {
  const Binder none("method", given, {});
  return Value::boolean(holds(text.view()));
}

const TextMethod kTextMethods[] = {
    {"capitalize", changed<capitalized>},
    {"casefold", changed<lower>},
    {"center", [](Evaluator& e, const Text& t, const Arguments& a) { return justify(e, t, a, "center", '^'); }},
    {"count", count},
    {"endswith", [](Evaluator&, const Text& t, const Arguments& a) { return begins_or_ends(t, a, true); }},
    {"expandtabs", expand_tabs},
    {"find", [](Evaluator& e, const Text& t, const Arguments& a) { return find(e, t, a, "find"); }},
    {"format", [](Evaluator& e, const Text& t, const Arguments& a) { return format_braces(e, t, a); }},
    {"index", [](Evaluator& e, const Text& t, const Arguments& a) { return find(e, t, a, "index"); }},
    {"isalnum", tested<is_alnum>},
    {"isalpha", tested<is_alpha>},
    {"isascii", tested<is_ascii>},
    {"isdecimal", tested<is_digit>},
    {"isdigit", tested<is_digit>},
    {"islower", tested<is_lower>},
    {"isnumeric", tested<is_digit>},
    {"isspace", tested<is_all_space>},
    {"istitle", tested<is_titled>},
    {"isupper", tested<is_upper>},
    {"join", join},
    {"ljust", [](Evaluator& e, const Text& t, const Arguments& a) { return justify(e, t, a, "ljust", '<'); }},
    {"lower", changed<lower>},
    {"lstrip", [](Evaluator&, const Text& t, const Arguments& a) { return strip(t, a, "lstrip"); }},
    {"partition", [](Evaluator&, const Text& t, const Arguments& a) { return partition(t, a, false); }},
    {"removeprefix", [](Evaluator&, const Text& t, const Arguments& a) { return remove_affix(t, a, true); }},
    {"removesuffix", [](Evaluator&, const Text& t, const Arguments& a) { return remove_affix(t, a, false); }},
    {"replace", replace},
    {"rfind", [](Evaluator& e, const Text& t, const Arguments& a) { return find(e, t, a, "rfind"); }},
    {"rindex", [](Evaluator& e, const Text& t, const Arguments& a) { return find(e, t, a, "rindex"); }},
    {"rjust", [](Evaluator& e, const Text& t, const Arguments& a) { return justify(e, t, a, "rjust", '>'); }},
    {"rpartition", [](Evaluator&, const Text& t, const Arguments& a) { return partition(t, a, true); }},
    {"rsplit", [](Evaluator& e, const Text& t, const Arguments& a) { return split(e, t, a, true); }},
    {"rstrip", [](Evaluator&, const Text& t, const Arguments& a) { return strip(t, a, "rstrip"); }},
    {"split", [](Evaluator& e, const Text& t, const Arguments& a) { return split(e, t, a, false); }},
    {"splitlines", split_lines},
    {"startswith", [](Evaluator&, const Text& t, const Arguments& a) { return begins_or_ends(t, a, false); }},
    {"strip", [](Evaluator&, const Text& t, const Arguments& a) { return strip(t, a, "strip"); }},
    {"swapcase", changed<swapped>},
    {"title", changed<titled>},
    {"upper", changed<upper>},
    {"zfill", zero_fill},
};

}  // namespace

const TextMethod* find_text_method(std::string_view name) {
  for (const TextMethod& m : kTextMethods) {
    if (m.name == name) return &m;
  }
  return nullptr;
}

Text stripped(const Text& text, const Value* characters, bool left, bool right) {
  std::string_view set;
  if (characters) {
    if (!characters->is(Kind::String))
      throw Trouble{"strip: takes text, found " + std::string(characters->type_name())};
    set = characters->view();
  }
  const auto goes = [&](std::string_view character) {
    return characters ? set.find(character) != std::string_view::npos : is_space(code_point(character, 0));
  };
  const std::string_view s = text.view();
  size_t begin = 0, end = s.size();
  while (left && begin < end && goes(s.substr(begin, next_char(s, begin) - begin))) begin = next_char(s, begin);
  while (right && end > begin && goes(s.substr(previous_char(s, end), end - previous_char(s, end))))
    end = previous_char(s, end);
  return text.slice(begin, end);
}

Text replaced(Evaluator& e, const Text& text, const Text& from, const Text& to, int64_t most) {
  const std::string_view s = text.view();
  Text out;
  size_t at = 0;
  e.budget().make(s.size());
  if (from.empty()) {  // between all characters, and at both ends
    for (int64_t n = 0; most < 0 || n < most; ++n) {
      e.budget().make(to.size() + 1);
      out.append(to);
      if (at >= s.size()) return out;
      const size_t next = next_char(s, at);
      out.append(text, at, next);
      at = next;
    }
  } else {
    for (int64_t n = 0; most < 0 || n < most; ++n) {
      const size_t found = s.find(from.view(), at);
      if (found == std::string_view::npos) break;
      e.budget().make(to.size() + 1);
      out.append(text, at, found);
      out.append(to);
      at = found + from.size();
    }
  }
  out.append(text, at, s.size());
  return out;
}

}  // namespace apr::chat::jinja
