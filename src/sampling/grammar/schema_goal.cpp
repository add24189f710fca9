#include "sampling/grammar/schema_goal.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/printable.h"

namespace apr::grammar {
namespace {

void check_depth(const Json& document, const std::string& name) {
  std::vector<std::pair<const Json*, int>> open = {{&document, 0}};
  while (!open.empty()) {
    const auto [json, depth] = open.back();
    open.pop_back();
    if (depth > SchemaDocument::kDeepest)
      fail(ErrorCode::BadInput, "{}: it nests more than {} deep", name, SchemaDocument::kDeepest);
    if (json->is_structured()) {
      for (const Json& child : *json) open.push_back({&child, depth + 1});
    }
  }
}

/// The parts of a JSON pointer in a fragment: %41 and ~1 taken back. source: RFC 6901, §6
std::vector<std::string> pointer_parts(std::string_view pointer) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < pointer.size(); ++i) {
    const char c = pointer[i];
    unsigned code = 0;
    if (c == '/') {
      parts.emplace_back();
    } else if (c == '%' && i + 2 < pointer.size() &&
               std::from_chars(&pointer[i + 1], &pointer[i + 1] + 2, code, 16).ptr == &pointer[i + 1] + 2) {
      parts.back() += char(uint8_t(code));
      i += 2;
    } else if (c == '~' && i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      parts.back() += pointer[++i] == '0' ? '~' : '/';
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

const Json* find_anchor(const Json& document, const std::string& anchor) {
  std::vector<const Json*> open = {&document};
  while (!open.empty()) {
    const Json* json = open.back();
    open.pop_back();
    if (json->is_object() && json->contains("$anchor") && json->at("$anchor") == anchor) return json;
    if (json->is_structured()) {
      for (const Json& child : *json) open.push_back(&child);
    }
  }
  return nullptr;
}

}  // namespace

SchemaDocument::SchemaDocument(const Json& document, const std::string& name) : root_{&document, name} {
  check_depth(document, name);
  if (!document.is_object() && !document.is_boolean())
    fail(ErrorCode::BadInput, "{}: found {}, expected a JSON Schema: an object, true or false", name,
         document.type_name());
}

/// A goal on its way to shapes.
struct SchemaDocument::Open {
  struct Item {
    Ref ref;
    std::vector<const Json*> via;  ///< the schemas that led here without taking anything of the value
  };
  struct Choice {
    std::vector<Ref> branches;
    std::vector<const Json*> via;
  };
  Shape shape;
  std::vector<Item> items;
  std::vector<Choice> choices;
};

Ref SchemaDocument::resolve(const Ref& from) const {
  const std::string target = *text_keyword(from, "$ref");
  auto missing = [&](std::string_view why) {
    fail(ErrorCode::BadInput, "{}/$ref: '{}' {}", from.where, printable(target), why);
  };
  if (!target.starts_with('#')) {
    fail(ErrorCode::UnsupportedOperation,
         "{}/$ref: '{}' leads out of the schema, and nothing is fetched; put what it means into $defs, and refer to "
         "#/$defs/NAME",
         from.where, printable(target));
  }
  Ref found = root_;
  if (target.size() > 1 && target[1] != '/') {
    found = {find_anchor(*root_.schema, target.substr(1)), root_.where + target};
    if (!found.schema) missing("is no $anchor of this schema");
  } else {
    for (const std::string& part : pointer_parts(std::string_view(target).substr(1))) {
      size_t index = 0;
      const Json& at = *found.schema;
      const bool number =
          std::from_chars(part.data(), part.data() + part.size(), index).ptr == part.data() + part.size();
      if (at.is_object() && at.contains(part))
        found.schema = &at.at(part);
      else if (at.is_array() && number && index < at.size())
        found.schema = &at.at(index);
      else
        missing("refers to nothing in this schema");
      found.where += "/" + printable(part);
    }
  }
  if (!found.schema->is_object() && !found.schema->is_boolean()) missing("refers to something that is no schema");
  return found;
}

/// Takes one schema of those that are open apart. False where nothing fits it.
bool SchemaDocument::follow(Open& open) const {
  const Open::Item item = std::move(open.items.back());
  open.items.pop_back();
  const Ref& ref = item.ref;
  if (ref.schema->is_boolean()) return ref.schema->get<bool>();
  if (std::find(item.via.begin(), item.via.end(), ref.schema) != item.via.end())
    fail(ErrorCode::BadInput, "{}: it refers to itself before it says anything about the value", ref.where);
  std::vector<const Json*> via = item.via;
  via.push_back(ref.schema);
  const auto known = std::find_if(open.shape.parts.begin(), open.shape.parts.end(),
                                  [&](const Ref& part) { return part.schema == ref.schema; });
  if (known != open.shape.parts.end()) return true;
  open.shape.add(ref);
  if (keyword(ref, "$ref")) open.items.push_back({resolve(ref), via});
  if (const Json* all = list_keyword(ref, "allOf")) {
    for (size_t i = 0; i < all->size(); ++i) open.items.push_back({below(ref, "allOf", i), via});
  }
  for (const char* name : {"anyOf", "oneOf"}) {
    const Json* list = list_keyword(ref, name);
    if (!list) continue;
    std::vector<Ref> branches;
    for (size_t i = 0; i < list->size(); ++i) branches.push_back(below(ref, name, i));
    if (name[0] == 'o')
      check_apart({ref.schema, ref.where + "/oneOf"}, branches, open.shape.parts, !open.choices.empty());
    open.choices.push_back({std::move(branches), via});
  }
  return true;
}

void SchemaDocument::expand(Open open, std::vector<Shape>& out, size_t& tries) const {
  if (out.size() >= kMostShapes || ++tries > kMostTries) {
    fail(ErrorCode::UnsupportedOperation, "{}: its choices (anyOf, oneOf) combine to more than {} cases; make fewer",
         open.shape.parts.empty() ? root_.where : open.shape.parts[0].where, kMostShapes);
  }
  while (!open.items.empty()) {
    if (!follow(open)) return;
  }
  if (open.choices.empty()) {
    open.shape.settle();
    out.push_back(std::move(open.shape));
    return;
  }
  const Open::Choice choice = std::move(open.choices.back());
  open.choices.pop_back();
  for (const Ref& branch : choice.branches) {
    Open next = open;
    next.items.push_back({branch, choice.via});
    expand(std::move(next), out, tries);
  }
}

std::vector<Shape> SchemaDocument::shapes(const Goal& goal) const {
  Open open;
  for (auto ref = goal.rbegin(); ref != goal.rend(); ++ref) open.items.push_back({*ref, {}});
  std::vector<Shape> out;
  size_t tries = 0;
  expand(std::move(open), out, tries);
  return out;
}

std::vector<std::string> member_names(const Goal& parts) {
  std::vector<std::string> names;
  auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const Ref& part : parts) {
    if (const Json* members = object_keyword(part, "properties")) {
      for (const auto& [name, schema] : members->items()) add(name);
    }
  }
  for (const Ref& part : parts) {
    const Json* required = list_keyword(part, "required");
    if (!required) continue;
    for (const Json& name : *required) {
      if (!name.is_string())
        fail(ErrorCode::BadInput, "{}/required: found {}, expected names", part.where, name.dump());
      add(name.get<std::string>());
    }
  }
  return names;
}

bool is_required(const Goal& parts, const std::string& name) {
  return std::any_of(parts.begin(), parts.end(), [&](const Ref& part) {
    const Json* required = list_keyword(part, "required");
    return required && std::find(required->begin(), required->end(), Json(name)) != required->end();
  });
}

std::optional<Goal> member_goal(const Goal& parts, const std::string& name) {
  Goal goal;
  for (const Ref& part : parts) {
    const Json* members = object_keyword(part, "properties");
    if (members && members->contains(name)) {
      goal.push_back(below(part, "properties", name));
    } else if (keyword(part, "additionalProperties")) {
      goal.push_back(below(part, "additionalProperties"));
    }
  }
  const bool never = std::any_of(goal.begin(), goal.end(), [](const Ref& r) { return *r.schema == Json(false); });
  return never ? std::nullopt : std::optional(std::move(goal));
}

Goal item_goal(const Goal& parts, size_t place) {
  Goal goal;
  for (const Ref& part : parts) {
    const Json* first = list_keyword(part, "prefixItems");
    if (first && place < first->size()) {
      goal.push_back(below(part, "prefixItems", place));
    } else if (keyword(part, "items")) {
      goal.push_back(below(part, "items"));
    }
  }
  return goal;
}

}  // namespace apr::grammar
