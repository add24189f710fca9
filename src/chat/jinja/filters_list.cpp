#include <algorithm>
#include <charconv>

#include "chat/jinja/filters.h"
#include "chat/jinja/letters.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/tests.h"

namespace apr::chat::jinja {
namespace {

using A = const Arguments&;
using V = const Value&;

List all_of(Evaluator& e, V v) { return e.iterate(v); }

Value length(Evaluator& e, V v, A given) {
  const Binder none("length", given, {});
  switch (v.kind()) {
    case Kind::Undefined:
      return Value::integer(0);
    case Kind::String:
      e.budget().step(v.text().size() / 16);
      return Value::integer(int64_t(count_chars(v.view())));
    case Kind::List:
    case Kind::Tuple:
      return Value::integer(int64_t(v.items().size()));
    case Kind::Dict:
      return Value::integer(int64_t(v.as_dict().size()));
    default:
      throw Trouble{"object of type '" + std::string(v.type_name()) + "' has no length"};
  }
}

Value first(Evaluator& e, V v, A given) {
  const Binder none("first", given, {});
  const List items = all_of(e, v);
  return items.empty() ? Value::undefined("there is no first item, the sequence is empty") : items.front();
}

Value last(Evaluator& e, V v, A given) {
  const Binder none("last", given, {});
  const List items = all_of(e, v);
  return items.empty() ? Value::undefined("there is no last item, the sequence is empty") : items.back();
}

Value list(Evaluator& e, V v, A given) {
  const Binder none("list", given, {});
  return Value::list(all_of(e, v));
}

Value reverse(Evaluator& e, V v, A given) {
  const Binder none("reverse", given, {});
  List items = all_of(e, v);
  std::ranges::reverse(items);
  if (!v.is(Kind::String)) return Value::list(std::move(items));
  Text text;
  for (const Value& c : items) text.append(c.text());
  return Value::string(std::move(text));
}

/// Whatever `attribute` names of an item: "a.b.0" goes down step by step.
class Getter {
 public:
  Getter(Evaluator& e, const Value* attribute, const Value* usual = nullptr) : e_(e), usual_(usual) {
    if (!attribute || attribute->is(Kind::None)) return;
    if (attribute->is(Kind::Int)) {
      steps_.push_back(*attribute);
      return;
    }
    const std::string path = e.show(*attribute).str();
    for (size_t begin = 0; begin <= path.size();) {
      const size_t end = std::min(path.find('.', begin), path.size());
      const std::string_view step = std::string_view(path).substr(begin, end - begin);
      int64_t i = 0;
      const auto [stop, error] = std::from_chars(step.data(), step.data() + step.size(), i);
      const bool number = error == std::errc() && stop == step.data() + step.size() && step[0] != '-';
      steps_.push_back(number ? Value::integer(i) : Value::string(step, Origin::Markup));
      begin = end + 1;
    }
  }
  Value operator()(Value item) const {
    e_.budget().step();
    for (const Value& step : steps_) {
      item = e_.item(item, step);
      if (item.is_undefined() && usual_) return *usual_;
    }
    return item;
  }

 private:
  Evaluator& e_;
  std::vector<Value> steps_;
  const Value* usual_;
};

Value without_case(Evaluator& e, Value v, bool case_sensitive) {
  if (!case_sensitive && v.is(Kind::String)) e.budget().make(v.text().size());
  return !case_sensitive && v.is(Kind::String) ? Value::string(lower(v.text())) : v;
}

/// Sorts places by keys, stably. A merge sort of our own: it stays within bounds whatever `less` says of NaNs.
std::vector<size_t> sorted_places(Evaluator& e, const List& keys, bool reverse) {
  std::vector<size_t> places(keys.size()), merged(keys.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = i;
  const auto before = [&](size_t a, size_t b) {
    return reverse ? less(e, keys[b], keys[a]) : less(e, keys[a], keys[b]);
  };
  for (size_t width = 1; width < places.size(); width *= 2) {
    for (size_t begin = 0; begin < places.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, places.size()), end = std::min(begin + 2 * width, places.size());
      size_t a = begin, b = middle;
      for (size_t to = begin; to < end; ++to) {
        const bool right = a == middle || (b < end && before(places[b], places[a]));
        merged[to] = right ? places[b++] : places[a++];
      }
    }
    places.swap(merged);
  }
  return places;
}

Value sort(Evaluator& e, V v, A given) {
  const Binder a("sort", given, {"reverse", "case_sensitive", "attribute"});
  const List items = all_of(e, v);
  std::vector<Getter> parts;  // "a,b": first by a
  if (a.has(2) && a[2].is(Kind::String)) {
    const std::string_view names = a[2].view();
    for (size_t begin = 0; begin <= names.size();) {
      const size_t end = std::min(names.find(',', begin), names.size());
      const Value name = Value::string(names.substr(begin, end - begin), Origin::Markup);
      parts.emplace_back(e, &name);
      begin = end + 1;
    }
  } else {
    parts.emplace_back(e, a.has(2) ? &a[2] : nullptr);
  }
  List keys;
  for (const Value& item : items) {
    List key;
    for (const Getter& part : parts) key.push_back(without_case(e, part(item), a.truth(1, false)));
    keys.push_back(key.size() == 1 ? key[0] : Value::list(std::move(key)));
  }
  List out;
  for (const size_t place : sorted_places(e, keys, a.truth(0, false))) out.push_back(items[place]);
  return Value::list(std::move(out));
}

Value dictsort(Evaluator& e, V v, A given) {
  const Binder a("dictsort", given, {"case_sensitive", "by", "reverse"});
  if (v.is_undefined()) throw Trouble{v.why()};
  if (!v.is(Kind::Dict)) throw Trouble{"dictsort: takes a dict, found " + std::string(v.type_name())};
  const std::string by = a.has(1) ? e.show(a[1]).str() : "key";
  if (by != "key" && by != "value") throw Trouble{"dictsort: 'by' must be key or value"};
  const auto& entries = v.as_dict().items();
  List keys, out;
  for (const auto& [key, value] : entries)
    keys.push_back(without_case(e, by == "key" ? key : value, a.truth(0, false)));
  for (const size_t place : sorted_places(e, keys, a.truth(2, false)))
    out.push_back(Value::tuple({entries[place].first, entries[place].second}));
  return Value::list(std::move(out));
}

Value items(Evaluator&, V v, A given) {
  const Binder none("items", given, {});
  if (v.is_undefined()) return Value::list({});
  if (!v.is(Kind::Dict)) throw Trouble{"items: pairs can only be had of a dict, found " + std::string(v.type_name())};
  List pairs;
  for (const auto& [key, value] : v.as_dict().items()) pairs.push_back(Value::tuple({key, value}));
  return Value::list(std::move(pairs));
}

Value join(Evaluator& e, V v, A given) {
  const Binder a("join", given, {"d", "attribute"});
  const Text separator = a.has(0) ? e.show(a[0]) : Text();
  const Getter get(e, a.has(1) ? &a[1] : nullptr);
  Text out;
  bool first_one = true;
  for (const Value& item : all_of(e, v)) {
    const Text piece = e.show(get(item));
    e.budget().make(piece.size() + separator.size());
    if (!std::exchange(first_one, false)) out.append(separator);
    out.append(piece);
  }
  return Value::string(std::move(out));
}

Value extreme(Evaluator& e, V v, A given, bool greatest) {
  const Binder a(greatest ? "max" : "min", given, {"case_sensitive", "attribute"});
  const Getter get(e, a.has(1) ? &a[1] : nullptr);
  Value best = Value::undefined("there is no item, the sequence is empty"), best_key;
  bool any = false;
  for (const Value& item : all_of(e, v)) {
    Value key = without_case(e, get(item), a.truth(0, false));
    if (!any || (greatest ? less(e, best_key, key) : less(e, key, best_key))) best = item, best_key = std::move(key);
    any = true;
  }
  return best;
}

Value sum(Evaluator& e, V v, A given) {
  const Binder a("sum", given, {"attribute", "start"});
  const Getter get(e, a.has(0) ? &a[0] : nullptr);
  Value total = a.has(1) ? a[1] : Value::integer(0);
  if (total.is(Kind::String)) throw Trouble{"sum: text cannot be summed up; join it"};
  for (const Value& item : all_of(e, v)) total = arithmetic(e, Op::Add, total, get(item));
  return total;
}

Value unique(Evaluator& e, V v, A given) {
  const Binder a("unique", given, {"case_sensitive", "attribute"});
  const Getter get(e, a.has(1) ? &a[1] : nullptr);
  Dict seen;
  List out;
  for (const Value& item : all_of(e, v)) {
    const Value key = without_case(e, get(item), a.truth(0, false));
    require_hashable(key);
    if (!key.is(Kind::String)) e.budget().step(seen.size());
    if (seen.find(key)) continue;
    seen.set(key, Value::none());
    out.push_back(item);
  }
  return Value::list(std::move(out));
}

Value groupby(Evaluator& e, V v, A given) {
  const Binder a("groupby", given, {"attribute", "default", "case_sensitive"});
  const Getter get(e, &a[0], a.has(1) ? &a[1] : nullptr);
  const List all = all_of(e, v);
  List keys, out, group;
  for (const Value& item : all) keys.push_back(get(item));
  List compared;
  for (const Value& key : keys) compared.push_back(without_case(e, key, a.truth(2, false)));
  const std::vector<size_t> places = sorted_places(e, compared, false);
  for (size_t i = 0; i < places.size(); ++i) {
    group.push_back(all[places[i]]);
    if (i + 1 < places.size() && equal(e, compared[places[i]], compared[places[i + 1]])) continue;
    const Value key = keys[places[i + 1 - group.size()]];
    out.push_back(Value::tuple({key, Value::list(std::exchange(group, {}))}));
  }
  return Value::list(std::move(out));
}

Value batch(Evaluator& e, V v, A given) {
  const Binder a("batch", given, {"linecount", "fill_with"});
  if (!a.has(0)) a[0];
  const int64_t n = a.integer(0, 1);
  if (n < 1) throw Trouble{"batch: the number must be at least 1"};
  List out, row;
  for (const Value& item : all_of(e, v)) {
    if (int64_t(row.size()) == n) out.push_back(Value::list(std::exchange(row, {})));
    row.push_back(item);
  }
  if (!row.empty()) {
    if (a.has(1) && !a[1].is(Kind::None)) {
      e.budget().make(size_t(n), sizeof(Value));
      row.resize(size_t(n), a[1]);
    }
    out.push_back(Value::list(std::move(row)));
  }
  return Value::list(std::move(out));
}

Value slice(Evaluator& e, V v, A given) {
  const Binder a("slice", given, {"slices", "fill_with"});
  if (!a.has(0)) a[0];
  const int64_t slices = a.integer(0, 1);
  if (slices < 1) throw Trouble{"slice: the number must be at least 1"};
  const List all = all_of(e, v);
  e.budget().make(size_t(slices), sizeof(Value));
  const size_t n = size_t(slices), each = all.size() / n, larger = all.size() % n;
  List out;
  for (size_t i = 0, at = 0; i < n; ++i) {
    const size_t size = each + (i < larger);
    List part(all.begin() + std::ptrdiff_t(at), all.begin() + std::ptrdiff_t(at + size));
    at += size;
    if (a.has(1) && !a[1].is(Kind::None) && i >= larger) part.push_back(a[1]);
    out.push_back(Value::list(std::move(part)));
  }
  return Value::list(std::move(out));
}

/// The arguments behind the first n.
Arguments rest_of(A given, size_t n) {
  Arguments rest = given;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + std::ptrdiff_t(std::min(n, rest.positional.size())));
  return rest;
}

Value map(Evaluator& e, V v, A given) {
  const List all = all_of(e, v);
  List out;
  if (given.positional.empty()) {
    const Binder a("map", given, {"attribute", "default"});
    const Getter get(e, &a[0], a.has(1) ? &a[1] : nullptr);
    for (const Value& item : all) out.push_back(get(item));
    return Value::list(std::move(out));
  }
  const std::string name = e.show(given.positional[0]).str();
  const Filter* filter = find_filter(name);
  if (!filter) throw Trouble{"there is no filter '" + name + "'"};
  const Arguments rest = rest_of(given, 1);
  for (const Value& item : all) {
    const Budget::Level level(e.budget());
    e.budget().step();
    out.push_back(filter->apply(e, item, rest));
  }
  return Value::list(std::move(out));
}

Value chosen(Evaluator& e, V v, A given, bool by_attribute, bool kept) {
  Arguments rest = given;
  std::optional<Getter> get;
  if (by_attribute) {
    if (given.positional.empty()) throw Trouble{"selectattr and rejectattr take the attribute's name"};
    get.emplace(e, &given.positional[0]);
    rest = rest_of(given, 1);
  }
  const Test* test = nullptr;
  if (!rest.positional.empty()) {
    const std::string name = e.show(rest.positional[0]).str();
    test = find_test(name);
    if (!test) throw Trouble{"there is no test '" + name + "'"};
    rest = rest_of(rest, 1);
  }
  List out;
  for (const Value& item : all_of(e, v)) {
    e.budget().step();
    const Value looked_at = get ? (*get)(item) : item;
    if ((test ? test->holds(e, looked_at, rest) : looked_at.truthy()) == kept) out.push_back(item);
  }
  return Value::list(std::move(out));
}

const Filter kRows[] = {
    {"batch", batch},
    {"count", length},
    {"dictsort", dictsort},
    {"first", first},
    {"groupby", groupby},
    {"items", items},
    {"join", join},
    {"last", last},
    {"length", length},
    {"list", list},
    {"map", map},
    {"max", [](Evaluator& e, V v, A a) { return extreme(e, v, a, true); }},
    {"min", [](Evaluator& e, V v, A a) { return extreme(e, v, a, false); }},
    {"reject", [](Evaluator& e, V v, A a) { return chosen(e, v, a, false, false); }},
    {"rejectattr", [](Evaluator& e, V v, A a) { return chosen(e, v, a, true, false); }},
    {"reverse", reverse},
    {"select", [](Evaluator& e, V v, A a) { return chosen(e, v, a, false, true); }},
    {"selectattr", [](Evaluator& e, V v, A a) { return chosen(e, v, a, true, true); }},
    {"slice", slice},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
};

}  // namespace

std::span<const Filter> list_filters() { return kRows; }

}  // namespace apr::chat::jinja
