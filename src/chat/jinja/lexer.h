#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace apr::chat::jinja {

/// A place in a template's source, counted from 1; columns in characters.
struct Place {
  int line = 1, column = 1;
};

/// A template that cannot be read: what is wrong with it and where.
struct SyntaxTrouble {
  std::string what;
  Place place;
};

enum class TokenKind : uint8_t {
  Data,
  BlockBegin,
  BlockEnd,
  ShowBegin,
  ShowEnd,
  Name,
  Integer,
  Float,
  String,
  Operator,
  End
};

struct Token {
  TokenKind kind;
  std::string text;  ///< data, name, operator, digits; of a string, what it stands for
  Place place;
  bool is(TokenKind k, std::string_view t) const { return kind == k && text == t; }
};

/// Cuts a template into tokens as Jinja2 3.1 does with trim_blocks and lstrip_blocks: comments and raw blocks are gone,
/// and so are the spaces that block tags take with them.
///
/// trust   untrusted bytes; linear time
/// errors  SyntaxTrouble
std::vector<Token> tokenize(std::string_view source);

}  // namespace apr::chat::jinja
