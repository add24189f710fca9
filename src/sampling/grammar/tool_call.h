#pragma once
#include <span>
#include <string>

#include "sampling/grammar/schema_shape.h"

namespace apr::grammar {

/// A tool that may be called.
struct CallableTool {
  std::string name;
  const Json* parameters;  ///< the schema of its arguments, an object; null: it has none
  std::string where;       ///< begins messages: "tools[0].function.parameters"
};

/// How calls are written.
enum class CallStyle {
  Tags,  ///< Qwen3-Coder: <tool_call> <function=NAME> <parameter=KEY> VALUE </parameter> </function> </tool_call>
  Json,  ///< Hermes, Qwen3: <tool_call> {"name": NAME, "arguments": {…}} </tool_call>
};

/// The rules for one call or several, a line apart, of these tools and nothing else.
///
/// In tags a string stands as it is, so what would end it early, a tag of the same kind, may not be in it.
///
/// errors  those of SchemaCompiler; BadInput: no tools, or parameters that are no object;
///         UnsupportedOperation: names that the tags cannot hold, and bounds on the number of parameters
Rules rules_of_calls(std::span<const CallableTool> tools, CallStyle style);

}  // namespace apr::grammar
