#include "sampling/grammar/schema.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "base/error.h"
#include "sampling/grammar/regex.h"
#include "sampling/grammar/schema_object.h"

namespace apr::grammar {
namespace {

constexpr size_t kMostDifferent = 8;  ///< values of which each may come once: a rule for each set of those gone

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// One pattern for the whole text, as an expression. With a bound of the length only where the pattern is one class of
/// characters, some number of times: then the bounds are of that number. Masks are cheaper along loops than along the
/// states of a machine, of which each is new.
std::optional<Expr> direct_text(const Shape& s) {
  if (s.patterns.size() != 1) return std::nullopt;
  std::optional<Expr> text = whole_text(s.patterns[0].text, s.patterns[0].where);
  if (!text || (s.least_length == 0 && s.most_length == Expr::kEndless)) return text;
  if (text->kind != Expr::Kind::Repeat || text->parts[0].kind != Expr::Kind::Chars) return std::nullopt;
  text->least = std::max(text->least, s.least_length);
  text->most = std::min(text->most, s.most_length);
  return text->least > text->most ? nothing() : text;
}

}  // namespace

SchemaCompiler::SchemaCompiler(const SchemaDocument& document, Rules& rules)
    : document_(document), rules_(rules), free_(rules) {}

/// A rule for each goal, so that schemas which contain themselves come to an end.
Expr SchemaCompiler::value(const Goal& goal, Spelling spelling) {
  if (goal.empty() && spelling == Spelling::Json) return free_.value();
  std::vector<const Json*> key;
  for (const Ref& ref : goal) key.push_back(ref.schema);
  std::sort(key.begin(), key.end());
  key.erase(std::unique(key.begin(), key.end()), key.end());
  const auto [found, added] = known_.try_emplace({std::move(key), spelling}, -1);
  if (!added) return rule(found->second);
  const int number = found->second = rules_.add(goal.empty() ? "value" : goal[0].where);
  std::vector<Expr> ways;
  for (const Shape& s : document_.shapes(goal)) ways.push_back(shape(s, spelling));
  rules_.define(number, choice(std::move(ways)));
  return rule(number);
}

Expr SchemaCompiler::shape(const Shape& s, Spelling spelling) {
  if (s.values) return listed_values(s, spelling);
  if (s.types == kAllTypes && spelling == Spelling::Json &&
      std::all_of(s.parts.begin(), s.parts.end(), [](const Ref& r) { return r.schema->empty(); }))
    return free_.value();
  std::vector<Expr> ways;
  if (s.types & kString) ways.push_back(text(s, spelling));
  if (s.types & kObject) ways.push_back(ObjectWriter(*this, s).build());
  if (s.types & kArray) ways.push_back(array(s));
  if (s.types & kNumber) {
    NumberBounds bounds = s.number;
    bounds.integer = !(s.types & kFraction);
    ways.push_back(numbers(bounds, s.number_where, rules_));
  }
  if (s.types & kBoolean) ways.push_back(choice({bytes("true"), bytes("false")}));
  if (s.types & kNull) ways.push_back(bytes("null"));
  return choice(std::move(ways));
}

Expr SchemaCompiler::listed_values(const Shape& s, Spelling spelling) {
  std::vector<Expr> ways;
  for (const Json* value : *s.values) {
    if (!document_.fits(*value, s.parts)) continue;
    const bool raw = spelling == Spelling::Raw && value->is_string();
    ways.push_back(bytes(raw ? value->get<std::string>() : dumped(*value)));
  }
  return choice(std::move(ways));
}

Expr SchemaCompiler::text(const Shape& s, Spelling spelling) {
  if (s.least_length > s.most_length) return nothing();
  if (spelling == Spelling::Json) {
    if (s.patterns.empty()) return any_string(s.least_length, s.most_length);
    const std::optional<Expr> direct = direct_text(s);
    return sequence(
        {bytes("\""), direct ? spell(*direct, spelling) : rules_of(texts_of(s), spelling, rules_), bytes("\"")});
  }
  CharAutomaton texts = texts_without(forbidden);
  if (!s.patterns.empty() || s.least_length > 0 || s.most_length != Expr::kEndless) texts = both(texts, texts_of(s));
  return rules_of(texts, Spelling::Raw, rules_);
}

Expr SchemaCompiler::array(const Shape& s) {
  size_t own_places = 0;
  bool described = false, closed = false;
  for (const Ref& part : s.parts) {
    if (const Json* first = list_keyword(part, "prefixItems")) own_places = std::max(own_places, first->size());
    described = described || keyword(part, "items");
    closed = closed || keyword(part, "unevaluatedItems");
  }
  Shape bounded = s;
  if (closed && !described) bounded.most_items = std::min(s.most_items, uint32_t(own_places));
  if (bounded.least_items > bounded.most_items) return nothing();
  if (s.unique_items && bounded.most_items > 1) return different_items(bounded, own_places);
  const Expr none = bytes("[]");
  if (bounded.most_items == 0) return none;
  const Expr some = sequence(
      {bytes("["), gap(), json(item_goal(s.parts, 0)), items_after(bounded, 1, own_places), gap(), bytes("]")});
  return bounded.least_items > 0 ? some : choice({none, some});
}

/// What may follow when so many items stand: first those with a schema of their own, then the others, all alike.
Expr SchemaCompiler::items_after(const Shape& s, size_t place, size_t own_places) {
  if (place >= s.most_items) return empty();
  const Expr next = sequence({bytes(","), gap(), json(item_goal(s.parts, place))});
  const uint32_t missing = place < s.least_items ? s.least_items - uint32_t(place) : 0;
  if (place >= own_places)
    return repeat(next, missing, s.most_items == Expr::kEndless ? s.most_items : s.most_items - uint32_t(place));
  const Expr more = sequence({next, items_after(s, place + 1, own_places)});
  return missing > 0 ? more : maybe(more);
}

/// Items that come once each: a rule for each set of those that are gone. Needs a list of all that an item may be.
Expr SchemaCompiler::different_items(const Shape& s, size_t own_places) {
  const std::string& where = s.parts[0].where;
  std::vector<std::string> all;
  bool listed = own_places == 0;
  for (const Shape& item : listed ? document_.shapes(item_goal(s.parts, 0)) : std::vector<Shape>()) {
    listed = listed && item.values;
    if (!listed) break;
    for (const Json* value : *item.values) {
      const std::string text = dumped(*value);
      if (document_.fits(*value, item.parts) && std::find(all.begin(), all.end(), text) == all.end())
        all.push_back(text);
    }
  }
  if (!listed || all.size() > kMostDifferent) {
    fail(ErrorCode::UnsupportedOperation,
         "{}/uniqueItems: it is built only for items out of an enum of at most {} values; leave it out, or bound "
         "maxItems "
         "to 1",
         where, kMostDifferent);
  }
  const uint32_t sets = uint32_t(1) << all.size();
  std::vector<int> after;
  for (uint32_t gone = 0; gone < sets; ++gone) after.push_back(rules_.add("different"));
  for (uint32_t gone = 0; gone < sets; ++gone) {
    const auto count = uint32_t(std::popcount(gone));
    std::vector<Expr> ways;
    if (count >= s.least_items) ways.push_back(sequence({gone ? gap() : empty(), bytes("]")}));
    for (size_t i = 0; i < all.size() && count < s.most_items; ++i) {
      if (gone >> i & 1) continue;
      const Expr before = gone ? sequence({bytes(","), gap()}) : gap();
      ways.push_back(sequence({before, bytes(all[i]), rule(after[gone | uint32_t(1) << i])}));
    }
    rules_.define(after[gone], choice(std::move(ways)));
  }
  return sequence({bytes("["), rule(after[0])});
}

Rules rules_of_schema(const Json& schema) {
  Rules rules;
  const SchemaDocument document(schema);
  SchemaCompiler compiler(document, rules);
  rules.root = rules.add("schema", compiler.json({document.root()}));
  return rules;
}

}  // namespace apr::grammar
