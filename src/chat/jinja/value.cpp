#include "chat/jinja/value.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace apr::chat::jinja {

std::optional<Value> Object::attribute(std::string_view) const { return std::nullopt; }
Value Object::call(Evaluator&, Arguments&) { return Value(); }

namespace {
int checked_depth(int depth) {
  if (depth > Value::kDeepest) throw Trouble{fmt::format("values are nested deeper than {} levels", Value::kDeepest)};
  return depth;
}
int depth_of(const List& items) {
  int depth = 0;
  for (const Value& v : items) depth = std::max(depth, v.depth());
  return checked_depth(1 + depth);
}
}  // namespace

Value Value::list(List items) {
  const int depth = depth_of(items);
  return Value(Sequence{std::make_shared<const List>(std::move(items)), false, depth});
}
Value Value::tuple(List items) {
  const int depth = depth_of(items);
  return Value(Sequence{std::make_shared<const List>(std::move(items)), true, depth});
}
Value Value::dict(Dict items) {
  checked_depth(items.depth());
  return Value(std::make_shared<const Dict>(std::move(items)));
}

int Value::depth() const {
  if (is_sequence()) return std::get<Sequence>(v_).depth;
  if (is(Kind::Dict)) return as_dict().depth();
  return is(Kind::Object) ? as_object()->depth() : 0;
}

namespace {
Value convert(const nlohmann::ordered_json& json, Origin origin, int depth) {
  using Type = nlohmann::ordered_json::value_t;
  if (depth >= Value::kDeepest)
    fail(ErrorCode::BadInput, "JSON: nested deeper than {} levels; send something flatter", Value::kDeepest);
  switch (json.type()) {
    case Type::null:
      return Value::none();
    case Type::boolean:
      return Value::boolean(json.get<bool>());
    case Type::number_integer:
      return Value::integer(json.get<int64_t>());
    case Type::number_unsigned:
      if (json.get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max()))
        fail(ErrorCode::BadInput, "JSON: the number {} is beyond 64 bits; send it as text", json.get<uint64_t>());
      return Value::integer(int64_t(json.get<uint64_t>()));
    case Type::number_float:
      return Value::real(json.get<double>());
    case Type::string:
      return Value::string(json.get_ref<const std::string&>(), origin);
    case Type::array: {
      List items;
      items.reserve(json.size());
      for (const auto& item : json) items.push_back(convert(item, origin, depth + 1));
      return Value::list(std::move(items));
    }
    case Type::object: {
      Dict dict;
      for (const auto& [key, item] : json.items())
        dict.set(Value::string(key, origin), convert(item, origin, depth + 1));
      return Value::dict(std::move(dict));
    }
    default:
      fail(ErrorCode::BadInput, "JSON: found {}, expected a value of JSON", json.type_name());
  }
}
}  // namespace

Value Value::from_json(const nlohmann::ordered_json& json, Origin origin) { return convert(json, origin, 0); }

Kind Value::kind() const {
  constexpr Kind kinds[] = {Kind::Undefined, Kind::None, Kind::Bool, Kind::Int,   Kind::Float,
                            Kind::String,    Kind::List, Kind::Dict, Kind::Object};
  const Kind k = kinds[v_.index()];
  return k == Kind::List && std::get<Sequence>(v_).tuple ? Kind::Tuple : k;
}

std::string Value::why() const {
  const auto& what = std::get<Missing>(v_).what;
  return what ? *what : "the value is undefined";
}

bool Value::truthy() const {
  switch (kind()) {
    case Kind::Undefined:
    case Kind::None:
      return false;
    case Kind::Bool:
    case Kind::Int:
      return as_int() != 0;
    case Kind::Float:
      return as_double() != 0;
    case Kind::String:
      return !text().empty();
    case Kind::List:
    case Kind::Tuple:
      return !items().empty();
    case Kind::Dict:
      return as_dict().size() > 0;
    case Kind::Object:
      return true;
  }
  return false;
}

std::string_view Value::type_name() const {
  constexpr std::string_view names[] = {"Undefined", "NoneType", "bool",  "int",  "float",
                                        "str",       "list",     "tuple", "dict", "object"};
  return is(Kind::Object) ? as_object()->type_name() : names[size_t(kind())];
}

bool operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    return a.is(Kind::Float) || b.is(Kind::Float) ? a.as_double() == b.as_double() : a.as_int() == b.as_int();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::Undefined:
    case Kind::None:
      return true;
    case Kind::String:
      return a.view() == b.view();
    case Kind::List:
    case Kind::Tuple:
      return a.items() == b.items();
    case Kind::Dict: {
      if (a.as_dict().size() != b.as_dict().size()) return false;
      for (const auto& [key, value] : a.as_dict().items()) {
        const Value* other = b.as_dict().find(key);
        if (!other || !(value == *other)) return false;
      }
      return true;
    }
    case Kind::Object:
      return a.as_object() == b.as_object();
    default:
      return false;
  }
}

size_t Dict::place_of(const Value& key) const {
  if (key.is(Kind::String)) {
    const auto place = places_.find(key.text().str());
    return place == places_.end() ? items_.size() : place->second;
  }
  size_t at = 0;
  while (at < items_.size() && !(items_[at].first == key)) ++at;
  return at;
}

const Value* Dict::find(const Value& key) const {
  const size_t at = place_of(key);
  return at < items_.size() ? &items_[at].second : nullptr;
}

const Value* Dict::find(std::string_view key) const {
  const auto place = places_.find(std::string(key));
  return place == places_.end() ? nullptr : &items_[place->second].second;
}

void Dict::set(Value key, Value value) {
  depth_ = std::max({depth_, 1 + key.depth(), 1 + value.depth()});
  const size_t at = place_of(key);
  if (at < items_.size()) {
    items_[at].second = std::move(value);
    return;
  }
  if (key.is(Kind::String)) places_.emplace(key.text().str(), at);
  items_.emplace_back(std::move(key), std::move(value));
}

}  // namespace apr::chat::jinja
