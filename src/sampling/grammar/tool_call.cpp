#include "sampling/grammar/tool_call.h"

#include <deque>

#include "base/error.h"
#include "base/printable.h"
#include "sampling/grammar/schema.h"
#include "sampling/grammar/schema_object.h"

namespace apr::grammar {
namespace {

const std::vector<std::string> kTags = {"</parameter>", "</function>", "</tool_call>",
                                        "<parameter=",  "<function=",  "<tool_call>"};

void check_name(const std::string& name, const std::string& where) {
  if (name.empty() || name.find_first_of(">\n\r") != name.npos)
    fail(ErrorCode::UnsupportedOperation, "{}: '{}' cannot stand in a tag; choose a name without > and line ends",
         where, printable(name));
}

/// The parameters of one way to call a tool, each in its tags.
Expr tagged_parameters(const SchemaDocument& document, const Shape& shape, SchemaCompiler& compiler,
                       const std::string& where) {
  if (shape.least_members > 0 || shape.most_members != Expr::kEndless) {
    fail(ErrorCode::UnsupportedOperation,
         "{}: minProperties and maxProperties of parameters are not built; say 'required' instead", where);
  }
  const auto members = ObjectWriter::members_of(document, shape);
  if (!members || !(shape.types & kObject)) return nothing();
  std::vector<Expr> parts;
  for (const ObjectWriter::Member& m : *members) {
    check_name(m.name, where);
    Expr one = sequence({bytes("<parameter=" + m.name + ">\n"), compiler.raw(m.goal), bytes("\n</parameter>\n")});
    parts.push_back(m.required ? std::move(one) : maybe(std::move(one)));
  }
  return sequence(std::move(parts));
}

}  // namespace

Rules rules_of_calls(std::span<const CallableTool> tools, CallStyle style) {
  if (tools.empty()) fail(ErrorCode::BadInput, "tools: there are none, so none can be called");
  Rules rules;
  static const Json kNone = Json::object({{"type", "object"}});
  std::vector<Expr> ways;
  std::deque<SchemaDocument> documents;
  std::deque<SchemaCompiler> compilers;
  for (const CallableTool& tool : tools) {
    const SchemaDocument& document = documents.emplace_back(tool.parameters ? *tool.parameters : kNone, tool.where);
    SchemaCompiler& compiler = compilers.emplace_back(document, rules);
    if (style == CallStyle::Json) {
      static const Json kObjectSchema = Json::object({{"type", "object"}});
      const Expr arguments =
          tool.parameters ? compiler.json({document.root(), {&kObjectSchema, tool.where}}) : bytes("{}");
      ways.push_back(
          sequence({bytes("{\"name\": " + Json(tool.name).dump() + ", \"arguments\": "), arguments, bytes("}")}));
      continue;
    }
    check_name(tool.name, tool.where);
    compiler.forbidden = kTags;
    std::vector<Expr> parameters;
    for (const Shape& shape : document.shapes({document.root()}))
      parameters.push_back(tagged_parameters(document, shape, compiler, tool.where));
    ways.push_back(
        sequence({bytes("<function=" + tool.name + ">\n"), choice(std::move(parameters)), bytes("</function>")}));
  }
  const int call =
      rules.add("call", sequence({bytes("<tool_call>\n"), choice(std::move(ways)), bytes("\n</tool_call>")}));
  rules.root = rules.add("calls", sequence({rule(call), repeat(sequence({bytes("\n"), rule(call)}), 0)}));
  return rules;
}

}  // namespace apr::grammar
