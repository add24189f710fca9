#include "chat/jinja/methods.h"

#include <algorithm>

#include "chat/jinja/globals.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/text_methods.h"

namespace apr::chat::jinja {
namespace {

Value dict_method(const Value& of, std::string_view name) {
  return function("dict." + std::string(name), [of, kind = std::string(name)](Evaluator& e, Arguments& given) {
    const Dict& dict = of.as_dict();
    if (kind == "get") {
      const Binder a("get", given, {"key", "default"});
      require_hashable(a[0]);
      const Value* found = dict.find(a[0]);
      return found ? *found : a.has(1) ? a[1] : Value::none();
    }
    const Binder none(kind, given, {});
    if (kind == "copy") return of;
    e.budget().make(dict.size(), 4 * sizeof(Value));
    List items;
    for (const auto& [key, value] : dict.items())
      items.push_back(kind == "keys" ? key : kind == "values" ? value : Value::tuple({key, value}));
    return Value::list(std::move(items));
  });
}

Value sequence_method(const Value& of, std::string_view name) {
  return function(std::string(name), [of, kind = std::string(name)](Evaluator& e, Arguments& given) {
    if (kind == "copy") return of;
    const Binder a(kind, given, {"value"});
    const auto& items = of.items();
    const auto same = [&](const Value& v) { return equal(e, v, a[0]); };
    if (kind == "count") return Value::integer(std::ranges::count_if(items, same));
    const auto found = std::ranges::find_if(items, same);
    if (found == items.end()) throw Trouble{"index: the value is not in the list"};
    return Value::integer(found - items.begin());
  });
}

[[noreturn]] void immutable(const Value& of, std::string_view name) {
  throw Trouble{fmt::format("{}.{}() would change the value, which templates may not; a namespace() can be changed",
                            of.type_name(), name)};
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::optional<Value> find_method(const Value& of, std::string_view name) {
  if (of.is(Kind::String)) {
    if (const TextMethod* method = find_text_method(name)) {
      return function(std::string(name), [text = of, call = method->call](Evaluator& e, Arguments& given) {
        e.budget().step(text.text().size() / 64);
        return call(e, text.text(), given);
      });
    }
  } else if (of.is(Kind::Dict)) {
    if (one_of(name, {"get", "items", "keys", "values", "copy"})) return dict_method(of, name);
    if (one_of(name, {"clear", "pop", "popitem", "setdefault", "update"})) immutable(of, name);
  } else if (of.is_sequence()) {
    if (one_of(name, {"index", "count"}) || (name == "copy" && of.is(Kind::List))) return sequence_method(of, name);
    if (of.is(Kind::List) && one_of(name, {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}))
      immutable(of, name);
  }
  return std::nullopt;
}

}  // namespace apr::chat::jinja
