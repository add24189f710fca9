#include "cli/grammar_flags.h"

#include "base/error.h"
#include "base/printable.h"
#include "cli/terminal.h"
#include "sampling/grammar/gbnf.h"
#include "sampling/grammar/tool_call.h"

namespace apr::cli {
namespace {

grammar::Json read_json_file(const char* flag, const std::string& path) {
  const std::string text = read_file(path);
  try {
    return grammar::Json::parse(text);
  } catch (const grammar::Json::parse_error& e) {
    fail(ErrorCode::BadInput, "{} {}: it is no JSON: {}", flag, shown(path), printable(e.what()));
  }
}

/// The functions of a list of tools, each with its place. errors: BadInput
std::vector<std::pair<const grammar::Json*, std::string>> functions_of(const grammar::Json& tools) {
  if (!tools.is_array()) fail(ErrorCode::BadInput, "--tools: found {}, expected a list of tools", tools.type_name());
  std::vector<std::pair<const grammar::Json*, std::string>> functions;
  for (size_t i = 0; i < tools.size(); ++i) {
    const bool wrapped = tools[i].is_object() && tools[i].contains("function");
    const grammar::Json& function = wrapped ? tools[i]["function"] : tools[i];
    const std::string where = fmt::format("tools[{}]{}", i, wrapped ? ".function" : "");
    if (!function.is_object() || !function.contains("name") || !function["name"].is_string())
      fail(ErrorCode::BadInput, "--tools: {}: expected an object with a name and parameters", where);
    functions.emplace_back(&function, where);
  }
  return functions;
}

}  // namespace

void GrammarFlags::declare(CLI::App& app) {
  auto* schema =
      app.add_option("--json-schema", schema_,
                     "A file with a JSON Schema (draft 2020-12): the answer is JSON that fits it, also where -n "
                     "leaves little room");
  app.add_option("--grammar", grammar_,
                 "A file with a grammar in GBNF: the answer is a text that its rule 'root' matches")
      ->excludes(schema);
  auto* tools = app.add_option(
      "--tools", tools_file_, "A file with a list of tools, as OpenAI has them, that the model's template tells it of");
  app.add_option(
         "--tool-choice", tool_choice_,
         "auto: the model may call them; required: the answer is calls, each with arguments that fit its tool's "
         "schema; NAME: calls of that tool")
      ->capture_default_str()
      ->needs(tools)
      ->excludes(schema)
      ->excludes("--grammar");
}

void GrammarFlags::read() {
  if (schema_) {
    const grammar::Json schema = read_json_file("--json-schema", *schema_);
    program_ = std::make_shared<grammar::Program>(grammar::rules_of_schema(schema));
  }
  if (grammar_) program_ = std::make_shared<grammar::Program>(grammar::read_gbnf(read_file(*grammar_)));
  if (!tools_file_) return;
  tools_ = read_json_file("--tools", *tools_file_);
  bool known = tool_choice_ == "auto" || tool_choice_ == "required";
  for (const auto& [function, where] : functions_of(tools_)) known = known || (*function)["name"] == tool_choice_;
  if (!known)
    fail(ErrorCode::Usage, "--tool-choice: '{}' is neither auto, required, nor one of the tools",
         printable(tool_choice_));
}

/// In the form of calls that the model's template teaches.
grammar::Rules GrammarFlags::rules_of_tools(const engine::Engine& engine) const {
  std::vector<grammar::CallableTool> tools;
  for (const auto& [function, where] : functions_of(tools_)) {
    const std::string name = (*function)["name"].get<std::string>();
    if (tool_choice_ != "required" && tool_choice_ != name) continue;
    const auto parameters = function->find("parameters");
    const bool none = parameters == function->end() || parameters->is_null();
    tools.push_back({name, none ? nullptr : &*parameters, where + ".parameters"});
  }
  const std::string* source = engine.file().metadata().string("tokenizer.chat_template");
  if (!source || source->find("<tool_call>") == std::string::npos) {
    fail(ErrorCode::UnsupportedOperation,
         "--tool-choice: the model's chat template has no <tool_call>, and no other form of calls is built");
  }
  const bool tags = source->find("<function=") != std::string::npos;
  return grammar::rules_of_calls(tools, tags ? grammar::CallStyle::Tags : grammar::CallStyle::Json);
}

std::unique_ptr<engine::GrammarConstraint> GrammarFlags::constraint(const engine::Engine& engine, size_t room) const {
  auto program = program_;
  if (!tools_.is_null() && tool_choice_ != "auto") program = std::make_shared<grammar::Program>(rules_of_tools(engine));
  if (!program) return nullptr;
  auto constraint = std::make_unique<engine::GrammarConstraint>(program, engine::text_tokens(engine.tokenizer()));
  if (constraint->distance() > room) {
    fail(ErrorCode::Context,
         "{}: its shortest text takes {} bytes, and there may be only {} tokens, so the answer might be cut off; allow "
         "{} "
         "(-n, --ctx)",
         schema_    ? "--json-schema"
         : grammar_ ? "--grammar"
                    : "--tool-choice",
         constraint->distance(), room, constraint->distance());
  }
  return constraint;
}

}  // namespace apr::cli
