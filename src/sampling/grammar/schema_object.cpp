#include "sampling/grammar/schema_object.h"

#include <algorithm>

#include "base/error.h"

namespace apr::grammar {
namespace {

Expr separator(bool first) { return first ? gap() : sequence({bytes(","), gap()}); }

std::vector<Ref> name_schemas(const Shape& shape) {
  std::vector<Ref> found;
  for (const Ref& part : shape.parts) {
    if (keyword(part, "propertyNames")) found.push_back(below(part, "propertyNames"));
  }
  return found;
}

}  // namespace

ObjectWriter::ObjectWriter(SchemaCompiler& compiler, const Shape& shape) : compiler_(compiler), shape_(shape) {}

std::optional<std::vector<ObjectWriter::Member>> ObjectWriter::members_of(const SchemaDocument& document,
                                                                          const Shape& shape) {
  std::vector<Member> members;
  const Goal names = name_schemas(shape);
  for (const std::string& name : member_names(shape.parts)) {
    std::optional<Goal> goal = member_goal(shape.parts, name);
    const bool required = is_required(shape.parts, name);
    if (goal && document.fits(Json(name), names))
      members.push_back({name, std::move(*goal), required});
    else if (required)
      return std::nullopt;
  }
  return members;
}

/// Members that the schema does not name: where it says so, or names none at all.
bool ObjectWriter::more_allowed() const {
  bool named = false, said = false, closed = false;
  for (const Ref& part : shape_.parts) {
    named = named || object_keyword(part, "properties");
    closed = closed || keyword(part, "unevaluatedProperties");
    if (!keyword(part, "additionalProperties")) continue;
    said = true;
    if (*below(part, "additionalProperties").schema == Json(false)) return false;
  }
  return said || (!named && !closed);
}

std::optional<Expr> ObjectWriter::further_member() {
  if (!more_allowed()) return std::nullopt;
  Goal goal;
  for (const Ref& part : shape_.parts) {
    if (keyword(part, "additionalProperties")) goal.push_back(below(part, "additionalProperties"));
  }
  const std::vector<std::string> named = member_names(shape_.parts);
  std::optional<CharAutomaton> names;
  if (!named.empty()) names = texts_other_than(named);
  if (const Goal rules = name_schemas(shape_); !rules.empty()) {
    const std::vector<Shape> shapes = compiler_.document_.shapes(rules);
    if (shapes.size() != 1 || shapes[0].values) {
      fail(ErrorCode::UnsupportedOperation,
           "{}: only length, pattern and format are built here; name the members under properties instead",
           rules[0].where);
    }
    if (!(shapes[0].types & kString)) return std::nullopt;
    CharAutomaton texts = texts_of(shapes[0]);
    names = names ? both(*names, texts) : std::move(texts);
  }
  const Expr key =
      names ? sequence({bytes("\""), rules_of(*names, Spelling::Json, compiler_.rules_), bytes("\"")}) : any_string();
  return sequence({key, colon(), compiler_.json(goal)});
}

/// Behind the last named member, when so many members stand.
Expr ObjectWriter::end_after(uint32_t count, const std::optional<Expr>& further) const {
  const Expr close = sequence({count > 0 ? gap() : empty(), bytes("}")});
  const uint32_t missing = count < shape_.least_members ? shape_.least_members - count : 0;
  if (!further) return missing > 0 ? nothing() : close;
  if (missing > 1) return nothing();  // two further members may have the same name, and then they are one
  const uint32_t room = shape_.most_members == Expr::kEndless ? Expr::kEndless : shape_.most_members - count;
  const Expr next = sequence({separator(false), *further});
  if (count > 0) return sequence({repeat(next, missing, room), close});
  if (room == 0) return close;
  const Expr some =
      sequence({gap(), *further, repeat(next, 0, room == Expr::kEndless ? room : room - 1), gap(), bytes("}")});
  return missing > 0 ? some : choice({close, some});
}

Expr ObjectWriter::member_text(const Member& member) {
  return sequence({bytes(Json(member.name).dump()), colon(), compiler_.json(member.goal)});
}

/// A rule for each place in the list of named members and each number of members that stand before it. Numbers that
/// make no difference any more are one.
Expr ObjectWriter::build() {
  const std::optional<std::vector<Member>> members = members_of(compiler_.document_, shape_);
  if (!members || shape_.least_members > shape_.most_members) return nothing();
  const std::optional<Expr> further = further_member();
  const size_t n = members->size();
  if (further && shape_.least_members > n + 1) {
    fail(
        ErrorCode::UnsupportedOperation,
        "{}/minProperties: members that no schema names may repeat a name, so at most {} can be promised; name more of "
        "them under properties",
        shape_.parts[0].where, n + 1);
  }
  const uint32_t most = shape_.most_members;
  const uint32_t highest =
      std::min<uint32_t>(uint32_t(n), most != Expr::kEndless ? most : std::max(1u, shape_.least_members));
  std::vector<int> next, here;
  for (size_t i = n + 1; i-- > 0; next = here) {
    here.clear();
    for (uint32_t count = 0; count <= highest; ++count) here.push_back(compiler_.rules_.add("members"));
    for (uint32_t count = 0; count <= highest; ++count) {
      std::vector<Expr> ways;
      if (i == n) {
        ways.push_back(end_after(count, further));
      } else {
        const Member& member = (*members)[i];
        if (most == Expr::kEndless || count < most) {
          ways.push_back(
              sequence({separator(count == 0), member_text(member), rule(next[std::min(count + 1, highest)])}));
        }
        if (!member.required) ways.push_back(rule(next[count]));
      }
      compiler_.rules_.define(here[count], choice(std::move(ways)));
    }
  }
  return sequence({bytes("{"), rule(here[0])});
}

}  // namespace apr::grammar
