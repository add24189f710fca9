#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "chat/jinja/text.h"

namespace apr::chat::jinja {

class Value;
class Evaluator;
class Dict;
using List = std::vector<Value>;

/// What goes wrong while a template runs; whoever evaluates knows where.
struct Trouble {
  std::string what;
};

/// What a call was given.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// A value with behaviour: macros, methods, functions, namespaces, the loop.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;
  virtual std::optional<Value> attribute(std::string_view name) const;
  virtual bool callable() const { return false; }
  /// Levels of values in it, see Value::depth().
  virtual int depth() const { return 1; }
  virtual Value call(Evaluator& evaluator, Arguments& arguments);
};

enum class Kind : uint8_t { Undefined, None, Bool, Int, Float, String, List, Tuple, Dict, Object };

/// A value as Python would have it. Copies share what they hold; only a Namespace ever changes.
class Value {
 public:
  Value() = default;  ///< undefined, without a name
  static Value undefined(std::string what) {
    return Value(Missing{std::make_shared<const std::string>(std::move(what))});
  }
  static Value none() { return Value(Nothing{}); }
  static Value boolean(bool b) { return Value(b); }
  static Value integer(int64_t i) { return Value(i); }
  static Value real(double d) { return Value(d); }
  static Value string(Text text) { return Value(std::make_shared<const Text>(std::move(text))); }
  static Value string(std::string_view text, Origin origin) { return string(Text(text, origin)); }
  // Trouble when nested deeper than kDeepest: so nothing that walks values can go too deep, their destructors neither.
  static Value list(List items);
  static Value tuple(List items);
  static Value dict(Dict items);
  static Value object(std::shared_ptr<Object> object) { return Value(std::move(object)); }
  /// errors  BadInput for whole numbers beyond 64 bits, and for nesting deeper than kDeepest
  static Value from_json(const nlohmann::ordered_json& json, Origin origin = Origin::Text);
  static constexpr int kDeepest = 200;

  Kind kind() const;
  bool is(Kind k) const { return kind() == k; }
  bool is_undefined() const { return is(Kind::Undefined); }
  bool is_number() const { return is(Kind::Int) || is(Kind::Float) || is(Kind::Bool); }
  bool is_sequence() const { return is(Kind::List) || is(Kind::Tuple); }

  // needs: the kind that the name says
  bool as_bool() const { return std::get<bool>(v_); }
  int64_t as_int() const { return is(Kind::Bool) ? as_bool() : std::get<int64_t>(v_); }  ///< bools are 0 and 1
  double as_double() const { return is(Kind::Float) ? std::get<double>(v_) : double(as_int()); }
  const Text& text() const { return *std::get<std::shared_ptr<const Text>>(v_); }
  std::string_view view() const { return text().view(); }
  const List& items() const { return *std::get<Sequence>(v_).items; }
  const Dict& as_dict() const { return *std::get<std::shared_ptr<const Dict>>(v_); }
  const std::shared_ptr<Object>& as_object() const { return std::get<std::shared_ptr<Object>>(v_); }
  /// Why it is undefined, such as "'x' is undefined".
  std::string why() const;

  /// Levels of lists, dicts and namespaces; 0 for plain values.
  int depth() const;

  bool truthy() const;
  /// As Python names the type: "str", "int", "dict".
  std::string_view type_name() const;
  /// Python's ==. Bounded by the values' sizes.
  friend bool operator==(const Value& a, const Value& b);

 private:
  struct Missing {
    std::shared_ptr<const std::string> what;
  };
  struct Nothing {};
  struct Sequence {
    std::shared_ptr<const List> items;
    bool tuple;
    int depth;
  };
  using Held = std::variant<Missing, Nothing, bool, int64_t, double, std::shared_ptr<const Text>, Sequence,
                            std::shared_ptr<const Dict>, std::shared_ptr<Object>>;
  template <class T>
  explicit Value(T held) : v_(std::move(held)) {}
  Held v_;
};

/// Keys in the order in which they came. Keys are compared as Python does, so 1 and 1.0 are one.
class Dict {
 public:
  const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  size_t size() const { return items_.size(); }
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  /// Replaces the value of a key that is there.
  void set(Value key, Value value);
  void set(std::string_view key, Value value) { set(Value::string(key, Origin::Markup), std::move(value)); }
  int depth() const { return depth_; }

 private:
  size_t place_of(const Value& key) const;  // size() where it is not
  std::vector<std::pair<Value, Value>> items_;
  std::unordered_map<std::string, size_t> places_;  // of text keys
  int depth_ = 1;
};

}  // namespace apr::chat::jinja
