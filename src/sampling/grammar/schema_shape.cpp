#include "sampling/grammar/schema_shape.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/printable.h"
#include "sampling/grammar/formats.h"
#include "sampling/grammar/regex.h"

namespace apr::grammar {
namespace {

struct Keyword {
  const char* name;
  unsigned about;  ///< the types of values that it says something of
};
constexpr Keyword kKnown[] = {
    {"minLength", kString},
    {"maxLength", kString},
    {"pattern", kString},
    {"format", kString},
    {"minimum", kNumber},
    {"maximum", kNumber},
    {"multipleOf", kNumber},
    {"exclusiveMinimum", kNumber},
    {"exclusiveMaximum", kNumber},
    {"items", kArray},
    {"prefixItems", kArray},
    {"minItems", kArray},
    {"maxItems", kArray},
    {"uniqueItems", kArray},
    {"properties", kObject},
    {"required", kObject},
    {"additionalProperties", kObject},
    {"minProperties", kObject},
    {"maxProperties", kObject},
    {"propertyNames", kObject},
};
constexpr const char* kNotBuilt[] = {
    "not",      "if",          "dependentSchemas", "dependentRequired", "dependencies", "patternProperties",
    "contains", "minContains", "maxContains",      "additionalItems",   "$dynamicRef",  "$recursiveRef"};

[[noreturn]] void wrong(const Ref& ref, std::string_view name, std::string_view expected) {
  fail(ErrorCode::BadInput, "{}/{}: found {}, expected {}", ref.where, name,
       printable(ref.schema->at(std::string(name)).dump(-1, ' ', false, Json::error_handler_t::replace)), expected);
}

void refuse_unbuilt(const Ref& ref) {
  for (const char* name : kNotBuilt) {
    if (ref.schema->contains(name)) {
      fail(ErrorCode::UnsupportedOperation,
           "{}/{}: '{}' is not built, and ignoring it would let through what the schema forbids; leave it out",
           ref.where, name, name);
    }
  }
  for (const char* name : {"unevaluatedProperties", "unevaluatedItems"}) {
    const auto found = ref.schema->find(name);
    if (found != ref.schema->end() && *found != Json(false))
      fail(ErrorCode::UnsupportedOperation, "{}/{}: only false is built; leave it out", ref.where, name);
  }
}

unsigned type_named(const Ref& ref, const Json& name) {
  constexpr std::pair<const char*, unsigned> names[] = {
      {"null", kNull},     {"boolean", kBoolean}, {"integer", kInteger}, {"number", kNumber},
      {"string", kString}, {"array", kArray},     {"object", kObject}};
  for (const auto& [known, bits] : names) {
    if (name == known) return bits;
  }
  wrong(ref, "type", "null, boolean, integer, number, string, array or object, or a list of them");
}

Decimal decimal_of(const Ref& ref, const char* name) {
  const Json& value = ref.schema->at(name);
  if (!value.is_number()) wrong(ref, name, "a number");
  const auto d = decimal(value.dump());
  if (!d) wrong(ref, name, "a number between 1e-300 and 1e300");
  return *d;
}

bool same(const Json& a, const Json& b) { return a == b; }

}  // namespace

unsigned type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return kNull;
    case Json::value_t::boolean:
      return kBoolean;
    case Json::value_t::string:
      return kString;
    case Json::value_t::array:
      return kArray;
    case Json::value_t::object:
      return kObject;
    case Json::value_t::number_float:
      return std::floor(value.get<double>()) == value.get<double>() ? kInteger : kFraction;
    default:
      return kInteger;
  }
}

const Json* keyword(const Ref& ref, const char* name) {
  const auto found = ref.schema->find(name);
  return found == ref.schema->end() ? nullptr : &*found;
}

std::optional<std::string> text_keyword(const Ref& ref, const char* name) {
  const Json* value = keyword(ref, name);
  if (!value) return std::nullopt;
  if (!value->is_string()) wrong(ref, name, "text");
  return value->get<std::string>();
}

std::optional<uint32_t> count_keyword(const Ref& ref, const char* name) {
  const Json* value = keyword(ref, name);
  if (!value) return std::nullopt;
  const bool whole = value->is_number() && type_of(*value) == kInteger;
  if (!whole || value->get<double>() < 0 || value->get<double>() > 1e9)
    wrong(ref, name, "a whole number from 0 to 10^9");
  return uint32_t(value->get<double>());
}

const Json* list_keyword(const Ref& ref, const char* name) {
  const Json* value = keyword(ref, name);
  if (value && !value->is_array()) wrong(ref, name, "a list");
  return value;
}

const Json* object_keyword(const Ref& ref, const char* name) {
  const Json* value = keyword(ref, name);
  if (value && !value->is_object()) wrong(ref, name, "an object");
  return value;
}

namespace {
Ref checked(Ref ref) {
  if (!ref.schema->is_object() && !ref.schema->is_boolean()) {
    fail(ErrorCode::BadInput, "{}: found {}, expected a schema: an object, true or false", ref.where,
         printable(ref.schema->dump(-1, ' ', false, Json::error_handler_t::replace)));
  }
  return ref;
}
}  // namespace

Ref below(const Ref& ref, std::string_view name) {
  return checked({&ref.schema->at(std::string(name)), fmt::format("{}/{}", ref.where, name)});
}
Ref below(const Ref& ref, std::string_view name, const std::string& member) {
  return checked(
      {&ref.schema->at(std::string(name)).at(member), fmt::format("{}/{}/{}", ref.where, name, printable(member))});
}
Ref below(const Ref& ref, std::string_view name, size_t index) {
  return checked({&ref.schema->at(std::string(name)).at(index), fmt::format("{}/{}/{}", ref.where, name, index)});
}

void Shape::add(const Ref& ref) {
  parts.push_back(ref);
  refuse_unbuilt(ref);
  for (const Keyword& k : kKnown) {
    if (ref.schema->contains(k.name)) spoken_of_ |= k.about;
  }
  if (const Json* type = keyword(ref, "type")) {
    unsigned bits = 0;
    if (type->is_array()) {
      for (const Json& name : *type) bits |= type_named(ref, name);
    } else {
      bits = type_named(ref, *type);
    }
    types &= bits;
    typed_ = true;
  }
  add_values(ref);
  add_text(ref);
  add_number(ref);
  add_counts(ref);
}

void Shape::add_values(const Ref& ref) {
  auto keep = [&](const std::vector<const Json*>& allowed) {
    if (!values) {
      values = allowed;
      return;
    }
    std::erase_if(*values, [&](const Json* v) {
      return std::none_of(allowed.begin(), allowed.end(), [&](const Json* a) { return same(*v, *a); });
    });
  };
  if (const Json* list = list_keyword(ref, "enum")) {
    std::vector<const Json*> allowed;
    for (const Json& v : *list) allowed.push_back(&v);
    keep(allowed);
  }
  if (const Json* one = keyword(ref, "const")) keep({one});
}

void Shape::add_text(const Ref& ref) {
  least_length = std::max(least_length, count_keyword(ref, "minLength").value_or(0));
  most_length = std::min(most_length, count_keyword(ref, "maxLength").value_or(Expr::kEndless));
  if (const auto pattern = text_keyword(ref, "pattern")) patterns.push_back({*pattern, ref.where + "/pattern"});
  if (const auto name = text_keyword(ref, "format")) {
    const Format format = format_named(*name);
    if (format.kind == FormatKind::Unknown) {
      fail(ErrorCode::UnsupportedOperation, "{}/format: '{}' is not built; say it with 'pattern', or leave it out",
           ref.where, printable(*name));
    }
    if (format.kind == FormatKind::Pattern) patterns.push_back({std::string(format.pattern), ref.where + "/format"});
  }
}

void Shape::add_number(const Ref& ref) {
  auto tighten = [](std::optional<NumberBounds::Bound>& bound, const NumberBounds::Bound& other, int towards) {
    const int order = bound ? compare(other.at, bound->at) * towards : 1;
    if (order > 0 || (order == 0 && other.open)) bound = other;
  };
  for (const char* name : {"minimum", "exclusiveMinimum"}) {
    if (keyword(ref, name)) tighten(number.least, {decimal_of(ref, name), name[0] == 'e'}, 1);
  }
  for (const char* name : {"maximum", "exclusiveMaximum"}) {
    if (keyword(ref, name)) tighten(number.most, {decimal_of(ref, name), name[0] == 'e'}, -1);
  }
  if (keyword(ref, "multipleOf")) {
    const Decimal d = decimal_of(ref, "multipleOf");
    if (d.negative || compare(d, {}) == 0) wrong(ref, "multipleOf", "a number above 0");
    if (!d.fraction.empty() || d.whole.size() > 18) {
      fail(ErrorCode::UnsupportedOperation,
           "{}/multipleOf: only whole numbers of up to 18 digits are built (readers disagree on the others, since "
           "doubles "
           "hold them inexactly); leave it out",
           ref.where);
    }
    const uint64_t divisor = std::stoull(d.whole), before = std::max<uint64_t>(number.multiple_of, 1);
    const unsigned __int128 common = (unsigned __int128)(before) / std::gcd(before, divisor) * divisor;
    if (common > UINT64_MAX / 16) wrong(ref, "multipleOf", "divisors with a smaller common multiple");
    number.multiple_of = uint64_t(common);
  }
  if (number_where.empty()) number_where = ref.where;
}

void Shape::add_counts(const Ref& ref) {
  least_items = std::max(least_items, count_keyword(ref, "minItems").value_or(0));
  most_items = std::min(most_items, count_keyword(ref, "maxItems").value_or(Expr::kEndless));
  least_members = std::max(least_members, count_keyword(ref, "minProperties").value_or(0));
  most_members = std::min(most_members, count_keyword(ref, "maxProperties").value_or(Expr::kEndless));
  if (const Json* unique = keyword(ref, "uniqueItems")) {
    if (!unique->is_boolean()) wrong(ref, "uniqueItems", "true or false");
    unique_items = unique_items || unique->get<bool>();
  }
  if (const Json* items = keyword(ref, "items"); items && items->is_array())
    wrong(ref, "items", "a schema; a list of schemas, one for each place, is called prefixItems");
}

void Shape::settle() {
  if (typed_ || values) return;
  for (const unsigned kind : {unsigned(kNumber), unsigned(kString), unsigned(kArray), unsigned(kObject)}) {
    if (spoken_of_ == kind) types &= kind;
  }
}

CharAutomaton texts_of(const Shape& shape) {
  std::optional<CharAutomaton> texts;
  auto narrow = [&](CharAutomaton more) { texts = texts ? both(*texts, more) : std::move(more); };
  for (const Shape::Pattern& p : shape.patterns) narrow(texts_matching(p.text, p.where));
  if (!texts || shape.least_length > 0 || shape.most_length != Expr::kEndless)
    narrow(texts_of_length(shape.least_length, std::max(shape.least_length, shape.most_length)));
  return *texts;
}

}  // namespace apr::grammar
