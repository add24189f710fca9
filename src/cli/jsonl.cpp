#include "cli/jsonl.h"

#include <iostream>
#include <string>

#include "base/error.h"
#include "base/printable.h"

namespace apr::cli {
namespace {

/// errors  BadInput
Json object_of(const std::string& line, size_t number) {
  Json json = Json::parse(line, nullptr, false);
  if (!json.is_object())
    fail(ErrorCode::BadInput, "line {}: found {}, expected a JSON object", number, printable(line, 60));
  return json;
}

}  // namespace

int each_json_line(const std::function<Json(const Json&)>& answer) {
  int exit_code = 0;
  std::string line;
  for (size_t number = 1; std::getline(std::cin, line); ++number) {
    Json out;
    try {
      const Json json = object_of(line, number);
      try {
        out = answer(json);
      } catch (const Error& e) {
        if (e.code() == ErrorCode::BadInput) exit_code = int(ErrorCode::BadInput);
        out = {{"error", e.what()}};
      }
    } catch (const Error& e) {
      exit_code = int(ErrorCode::BadInput);
      out = {{"error", e.what()}};
    }
    print(to_text(out) + "\n");
  }
  return exit_code;
}

}  // namespace apr::cli
