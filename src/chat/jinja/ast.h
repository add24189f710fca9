#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat/jinja/lexer.h"
#include "chat/jinja/value.h"

// What the parser makes of a template, and the evaluator walks.
namespace apr::chat::jinja {

struct Filter;  // filters.h
struct Test;    // tests.h

enum class ExprKind : uint8_t {
  Literal,      // value
  Name,         // name
  List,         // parts
  Tuple,        // parts
  Dict,         // parts: key, value, key, value, …
  Attribute,    // parts[0].name
  Item,         // parts[0][parts[1]]
  Slice,        // parts[0][parts[1] : parts[2] : parts[3]]; null where left out
  Call,         // parts[0](arguments)
  Filter,       // parts[0] | name(arguments); of a filter block parts[0] is null
  Test,         // parts[0] is name(arguments)
  Not,          // not parts[0]
  Negative,     // -parts[0]
  Positive,     // +parts[0]
  Binary,       // parts[0] op parts[1]
  And,          // parts[0] and parts[1]
  Or,           // parts[0] or parts[1]
  Concat,       // parts[0] ~ parts[1] ~ …
  Compare,      // parts[0] ops[0] parts[1] ops[1] …: a chain, as in Python
  Conditional,  // parts[0] if parts[1] else parts[2]; null where left out
};

enum class Op : uint8_t {
  Add,
  Subtract,
  Multiply,
  Divide,
  FloorDivide,
  Modulo,
  Power,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  In,
  NotIn
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// The arguments of a call, a filter or a test, as they are written.
struct WrittenArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr list, dict;  ///< *list and **dict, or null
};

struct Expr {
  ExprKind kind;
  Place place;
  std::string name;
  Value value;
  std::vector<ExprPtr> parts;
  std::vector<Op> ops;
  WrittenArguments arguments;
  const Filter* filter = nullptr;  ///< null: there is none of that name, which is an error once it is reached
  const Test* test = nullptr;
};

/// What is assigned to: a name, an attribute of a namespace, or several of them.
struct Target {
  Place place;
  std::string name, attribute;  ///< attribute: empty for a plain name
  std::vector<Target> parts;    ///< of a tuple, whose name is empty
};

enum class StmtKind : uint8_t {
  Data,
  Show,
  For,
  If,
  Set,
  SetBlock,
  Macro,
  CallBlock,
  FilterBlock,
  With,
  Group,
  Break,
  Continue
};

struct Stmt;
using Body = std::vector<std::unique_ptr<Stmt>>;

struct Parameter {
  std::string name;
  ExprPtr usual;  ///< its value where none is given, or null
};

struct Stmt {
  StmtKind kind;
  Place place;
  std::string data;  ///< Data
  ExprPtr expr;  ///< Show, For (what is gone over), Set, CallBlock (the call), FilterBlock, SetBlock (filters, or null)
  ExprPtr test;  ///< For: its `if`, or null
  bool recursive = false;                               ///< For
  Target target;                                        ///< For, Set, SetBlock
  std::string name;                                     ///< Macro
  std::vector<Parameter> parameters;                    ///< Macro, CallBlock
  std::vector<std::pair<ExprPtr, Body>> branches;       ///< If: conditions and bodies
  std::vector<std::pair<Target, ExprPtr>> assignments;  ///< With
  Body body, otherwise;                                 ///< otherwise: else of For and If
  // Of a Macro and CallBlock: which of these its body reads.
  bool reads_varargs = false, reads_kwargs = false, reads_caller = false;
};

}  // namespace apr::chat::jinja
