#include "chat/jinja/globals.h"

#include <algorithm>

#include "chat/jinja/operators.h"

namespace apr::chat::jinja {
namespace {

class Function final : public Object {
 public:
  Function(std::string name, Native call) : name_(std::move(name)), call_(std::move(call)) {}
  std::string_view type_name() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Evaluator& e, Arguments& arguments) override { return call_(e, arguments); }

 private:
  std::string name_;
  Native call_;
};

Value range(Evaluator& e, Arguments& given) {
  const size_t n = given.positional.size();
  if (n < 1 || n > 3 || !given.named.empty()) throw Trouble{"range: takes one to three whole numbers"};
  int64_t bounds[3] = {0, 0, 1};
  for (size_t i = 0; i < n; ++i) {
    const Value& v = given.positional[i];
    if (v.is_undefined()) throw Trouble{v.why()};
    if (!v.is(Kind::Int) && !v.is(Kind::Bool))
      throw Trouble{"range: takes whole numbers, found " + std::string(v.type_name())};
    bounds[n == 1 ? 1 : i] = v.as_int();
  }
  const auto [begin, end, step] = bounds;
  if (step == 0) throw Trouble{"range: the step cannot be 0"};
  constexpr uint64_t most = 100'000;  // as Jinja2's sandbox
  const bool empty = step > 0 ? begin >= end : begin <= end;
  const uint64_t distance = empty ? 0 : step > 0 ? uint64_t(end) - uint64_t(begin) : uint64_t(begin) - uint64_t(end);
  const uint64_t stride = step > 0 ? uint64_t(step) : 0 - uint64_t(step);
  const uint64_t count = distance / stride + (distance % stride != 0);
  if (count > most) throw Trouble{fmt::format("range: {} numbers are too many, {} are the most", count, most)};
  e.budget().make(count, sizeof(Value));
  List items;
  for (uint64_t i = 0; i < count; ++i) items.push_back(Value::integer(int64_t(uint64_t(begin) + i * uint64_t(step))));
  return Value::list(std::move(items));
}

/// The items of a mapping, or pairs, and then named ones: what dict() and namespace() are made from.
Dict entries(Evaluator& e, std::string_view name, const Arguments& given) {
  if (given.positional.size() > 1) throw Trouble{std::string(name) + ": takes at most one argument without a name"};
  Dict dict;
  for (const Value& from : given.positional) {
    if (from.is(Kind::Dict)) {
      dict = from.as_dict();
      continue;
    }
    for (const Value& pair : e.iterate(from)) {
      const List two = e.iterate(pair);
      if (two.size() != 2) throw Trouble{std::string(name) + ": expected pairs of key and value"};
      require_hashable(two[0]);
      dict.set(two[0], two[1]);
    }
  }
  for (const auto& [key, value] : given.named) dict.set(key, value);
  e.budget().make(dict.size(), 4 * sizeof(Value));
  return dict;
}

Value make_dict(Evaluator& e, Arguments& given) { return Value::dict(entries(e, "dict", given)); }

Value make_namespace(Evaluator& e, Arguments& given) {
  auto space = std::make_shared<Namespace>();
  const Dict dict = entries(e, "namespace", given);
  for (const auto& [key, value] : dict.items()) {
    if (!key.is(Kind::String)) throw Trouble{"namespace: names are text, found " + std::string(key.type_name())};
    space->set(std::string(key.view()), value);
  }
  e.own(space);
  return Value::object(std::move(space));
}

/// cycler(…): .next(), .current, .reset().
class Cycler final : public Object {
 public:
  explicit Cycler(List items) : items_(std::move(items)), at_(std::make_shared<size_t>(0)) {}
  std::string_view type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(std::string_view name) const override {
    if (name == "current") return items_[*at_];
    if (name == "next")
      return function("cycler.next", [items = items_, at = at_](Evaluator&, Arguments&) {
        const size_t now = *at;
        *at = (now + 1) % items.size();
        return items[now];
      });
    if (name == "reset")
      return function("cycler.reset", [at = at_](Evaluator&, Arguments&) {
        *at = 0;
        return Value::none();
      });
    return std::nullopt;
  }

 private:
  List items_;
  std::shared_ptr<size_t> at_;
};

Value make_cycler(Evaluator&, Arguments& given) {
  if (given.positional.empty() || !given.named.empty()) throw Trouble{"cycler: takes one or more items"};
  Value::list(given.positional);  // bounds their depth
  return Value::object(std::make_shared<Cycler>(given.positional));
}

Value make_joiner(Evaluator&, Arguments& given) {
  const Binder a("joiner", given, {"sep"});
  const Value separator = a.has(0) ? a[0] : Value::string(", ", Origin::Markup);
  Value::list({separator});
  return function("joiner", [separator, used = std::make_shared<bool>(false)](Evaluator&, Arguments&) {
    return std::exchange(*used, true) ? separator : Value::string("", Origin::Markup);
  });
}

Value raise_exception(Evaluator& e, Arguments& given) {
  const Binder a("raise_exception", given, {"message"});
  throw Raised{e.show(a[0]).str()};
}

Value strftime_now(Evaluator& e, Arguments& given) {
  const Binder a("strftime_now", given, {"format"});
  const Text format = a.text(0, "");
  if (!a.has(0)) throw Trouble{"strftime_now: the format is missing"};
  if (format.size() > 1000) throw Trouble{"strftime_now: the format is too long"};
  if (format.empty()) return Value::string("", Origin::Markup);
  std::string text(format.size() * 16 + 256, '\0');
  const std::string guarded = format.str() + "|";  // so that an empty result is told from a full buffer
  const size_t n = std::strftime(text.data(), text.size(), guarded.c_str(), &e.now());
  if (n == 0) throw Trouble{"strftime_now: the result is too long"};
  return Value::string(std::string_view(text).substr(0, n - 1), Origin::Markup);
}

struct Row {
  std::string_view name;
  Value (*call)(Evaluator&, Arguments&);
};
constexpr Row kGlobals[] = {
    {"range", range},
    {"namespace", make_namespace},
    {"dict", make_dict},
    {"cycler", make_cycler},
    {"joiner", make_joiner},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
};

}  // namespace

Value function(std::string name, Native call) {
  return Value::object(std::make_shared<Function>(std::move(name), std::move(call)));
}

std::optional<Value> Namespace::attribute(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

void Namespace::set(const std::string& name, Value value) {
  const int depth = std::max(depth_, 1 + value.depth());
  if (depth > Value::kDeepest) throw Trouble{fmt::format("values are nested deeper than {} levels", Value::kDeepest)};
  depth_ = depth;
  values_[name] = std::move(value);
}

std::optional<Value> find_global(std::string_view name) {
  for (const Row& row : kGlobals) {
    if (row.name == name) return function(std::string(name), row.call);
  }
  return std::nullopt;
}

}  // namespace apr::chat::jinja
