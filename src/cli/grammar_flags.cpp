#include "cli/grammar_flags.h"

#include "base/error.h"
#include "base/printable.h"
#include "cli/terminal.h"
#include "sampling/grammar/gbnf.h"
#include "sampling/grammar/schema.h"

namespace apr::cli {
namespace {

grammar::Rules read_schema_file(const std::string& path) {
  const std::string text = read_file(path);
  grammar::Json schema;
  try {
    schema = grammar::Json::parse(text);
  } catch (const grammar::Json::parse_error& e) {
    fail(ErrorCode::BadInput, "--json-schema {}: it is no JSON: {}", shown(path), printable(e.what()));
  }
  return grammar::rules_of_schema(schema);
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
}

void GrammarFlags::read() {
  if (schema_) program_ = std::make_shared<grammar::Program>(read_schema_file(*schema_));
  if (grammar_) program_ = std::make_shared<grammar::Program>(grammar::read_gbnf(read_file(*grammar_)));
}

std::unique_ptr<engine::GrammarConstraint> GrammarFlags::constraint(const engine::Engine& engine, size_t room) const {
  if (!program_) return nullptr;
  auto constraint = std::make_unique<engine::GrammarConstraint>(program_, engine::text_tokens(engine.tokenizer()));
  if (constraint->distance() > room) {
    fail(ErrorCode::Context,
         "{}: its shortest text takes {} bytes, and there may be only {} tokens, so the answer might be cut off; allow "
         "{} "
         "(-n, --ctx)",
         schema_ ? "--json-schema" : "--grammar", constraint->distance(), room, constraint->distance());
  }
  return constraint;
}

}  // namespace apr::cli
