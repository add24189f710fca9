// Whether values fit schemas, and whether what is made for one schema can fit another.
#include <algorithm>
#include <set>

#include "base/error.h"
#include "sampling/grammar/regex.h"
#include "sampling/grammar/schema_goal.h"

namespace apr::grammar {
namespace {

constexpr int kDeepestFit = 100;

bool number_fits(const Json& value, const Shape& shape) {
  const auto d = decimal(value.dump());
  if (!d) return false;
  const auto& [least, most] = std::pair(shape.number.least, shape.number.most);
  if (least && (compare(*d, least->at) < 0 || (least->open && compare(*d, least->at) == 0))) return false;
  if (most && (compare(*d, most->at) > 0 || (most->open && compare(*d, most->at) == 0))) return false;
  if (shape.number.multiple_of == 0) return true;
  if (!d->fraction.empty()) return false;
  uint64_t rest = 0;
  for (const char c : d->whole)
    rest = uint64_t(((unsigned __int128)(rest)*10 + unsigned(c - '0')) % shape.number.multiple_of);
  return rest == 0;
}

bool text_fits(const std::string& text, const Shape& shape) {
  const std::u32string all = characters(text);
  if (all.size() < shape.least_length || all.size() > shape.most_length) return false;
  return std::all_of(shape.patterns.begin(), shape.patterns.end(),
                     [&](const Shape::Pattern& p) { return texts_matching(p.text, p.where).matches(all); });
}

/// What a schema says of a value itself; members and items apart.
bool fits_itself(const Json& value, const Shape& shape) {
  if (!(shape.types & type_of(value))) return false;
  if (shape.values &&
      std::none_of(shape.values->begin(), shape.values->end(), [&](const Json* v) { return *v == value; }))
    return false;
  if (value.is_number()) return number_fits(value, shape);
  if (value.is_string()) return text_fits(value.get<std::string>(), shape);
  if (value.is_array()) {
    if (value.size() < shape.least_items || value.size() > shape.most_items) return false;
    if (!shape.unique_items) return true;
    for (size_t i = 0; i < value.size(); ++i) {
      if (std::find(value.begin() + ptrdiff_t(i) + 1, value.end(), value[i]) != value.end()) return false;
    }
  }
  if (value.is_object()) return value.size() >= shape.least_members && value.size() <= shape.most_members;
  return true;
}

bool numbers_apart(const NumberBounds& a, const NumberBounds& b) {
  auto above = [](const std::optional<NumberBounds::Bound>& least, const std::optional<NumberBounds::Bound>& most) {
    if (!least || !most) return false;
    const int order = compare(least->at, most->at);
    return order > 0 || (order == 0 && (least->open || most->open));
  };
  return above(a.least, b.most) || above(b.least, a.most);
}

bool may_have_other_members(const Shape& shape) {
  bool any_named = false;
  for (const Ref& part : shape.parts) {
    any_named = any_named || keyword(part, "properties");
    if (const Json* more = keyword(part, "additionalProperties")) return *more != Json(false);
  }
  return !any_named;
}

}  // namespace

bool SchemaDocument::fits(const Json& value, const Goal& goal) const {
  return std::all_of(goal.begin(), goal.end(), [&](const Ref& ref) { return fits(value, ref, 0); });
}

bool SchemaDocument::fits(const Json& value, const Ref& ref, int depth) const {
  if (ref.schema->is_boolean()) return ref.schema->get<bool>();
  if (depth > kDeepestFit) return false;
  Shape own;
  own.add(ref);
  return fits_itself(value, own) && fits_choices(value, ref, depth + 1) && fits_parts(value, ref, depth + 1);
}

bool SchemaDocument::fits_choices(const Json& value, const Ref& ref, int depth) const {
  if (keyword(ref, "$ref") && !fits(value, resolve(ref), depth)) return false;
  auto fitting = [&](const char* name, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) count += fits(value, below(ref, name, i), depth) ? 1 : 0;
    return count;
  };
  if (const Json* all = list_keyword(ref, "allOf"); all && fitting("allOf", all->size()) != all->size()) return false;
  if (const Json* any = list_keyword(ref, "anyOf"); any && fitting("anyOf", any->size()) == 0) return false;
  if (const Json* one = list_keyword(ref, "oneOf"); one && fitting("oneOf", one->size()) != 1) return false;
  return true;
}

bool SchemaDocument::fits_parts(const Json& value, const Ref& ref, int depth) const {
  auto all_fit = [&](const Json& part, const Goal& goal) {
    return std::all_of(goal.begin(), goal.end(), [&](const Ref& r) { return fits(part, r, depth); });
  };
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      if (!all_fit(value[i], item_goal({ref}, i))) return false;
    }
  }
  if (!value.is_object()) return true;
  for (const auto& [name, member] : value.items()) {
    const std::optional<Goal> goal = member_goal({ref}, name);
    if (!goal || !all_fit(member, *goal)) return false;
    if (keyword(ref, "propertyNames") && !fits(Json(name), below(ref, "propertyNames"), depth)) return false;
  }
  const std::vector<std::string> names = member_names({ref});
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return !is_required({ref}, name) || value.contains(name); });
}

/// oneOf: no value that is made for one branch may fit another. What cannot be shown is refused.
void SchemaDocument::check_apart(const Ref& ref, const std::vector<Ref>& branches, const Goal& beside,
                                 bool choices_open) const {
  std::vector<std::vector<Shape>> made;
  for (const Ref& branch : branches) made.push_back(shapes({branch}));
  for (size_t a = 0; a < branches.size(); ++a) {
    for (size_t b = 0; b < branches.size(); ++b) {
      if (a == b) continue;
      for (Shape one : made[a]) {
        one.parts.insert(one.parts.end(), beside.begin(), beside.end());
        for (const Shape& other : made[b]) {
          if (misses(one, other, !choices_open, 0)) continue;
          fail(ErrorCode::UnsupportedOperation,
               "{}: a value may fit branch {} and branch {}, which oneOf forbids, and that cannot be kept apart while "
               "writing; use anyOf, or let the branches differ in type, in a required member, or in a const of one",
               ref.where, std::min(a, b), std::max(a, b));
        }
      }
    }
  }
}

/// Whether no value made for one shape fits the other. False where that cannot be shown.
bool SchemaDocument::misses(const Shape& made, const Shape& other, bool keys_known, int depth) const {
  if (!(made.types & other.types)) return true;
  if (made.values) {
    return std::none_of(made.values->begin(), made.values->end(),
                        [&](const Json* v) { return fits(*v, made.parts) && fits(*v, other.parts); });
  }
  const unsigned common = made.types & other.types;
  if (other.values && std::none_of(other.values->begin(), other.values->end(),
                                   [&](const Json* v) { return fits_itself(*v, made) && fits(*v, other.parts); }))
    return true;
  if (!(common & ~unsigned(kNumber))) return numbers_apart(made.number, other.number);
  if (common == kObject && depth < 4) return members_miss(made, other, keys_known, depth);
  return false;
}

bool SchemaDocument::members_miss(const Shape& made, const Shape& other, bool keys_known, int depth) const {
  const std::vector<std::string> ours = member_names(made.parts), theirs = member_names(other.parts);
  std::set<std::string> names(ours.begin(), ours.end());
  const std::set<std::string> known = names;
  names.insert(theirs.begin(), theirs.end());
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const bool we_must = is_required(made.parts, name), they_must = is_required(other.parts, name);
    const bool never_ours = keys_known && !known.contains(name) && !may_have_other_members(made);
    if (they_must && never_ours) return true;
    if (!we_must && !they_must) return false;
    const std::optional<Goal> our_goal = member_goal(made.parts, name), their_goal = member_goal(other.parts, name);
    if (!our_goal || !their_goal) return true;
    for (const Shape& a : shapes(*our_goal)) {
      for (const Shape& b : shapes(*their_goal)) {
        if (!misses(a, b, true, depth + 1)) return false;
      }
    }
    return true;
  });
}

}  // namespace apr::grammar
