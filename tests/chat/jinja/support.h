#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "chat/prompt.h"

namespace apr::chat::jinja {

inline Dict variables(const Json& json) {
  Dict dict;
  for (const auto& [name, value] : json.items()) dict.set(name, Value::from_json(value));
  return dict;
}

inline Segments pieces(std::string_view source, const Json& given = Json::object(), const Limits& limits = {}) {
  return Template(source, "test").render(variables(given), std::tm{}, limits);
}

inline std::string rendered(std::string_view source, const Json& given = Json::object(), const Limits& limits = {}) {
  return text_of(pieces(source, given, limits));
}

/// The sentence with which a template fails; "rendered: …" if it does not.
inline std::string failure(std::string_view source, const Json& given = Json::object(), const Limits& limits = {}) {
  try {
    return "rendered: " + rendered(source, given, limits);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::Template) << e.what();
    return e.what();
  }
}

inline std::vector<Json> json_lines(const std::string& path) {
  std::ifstream in(path);
  std::vector<Json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

}  // namespace apr::chat::jinja
