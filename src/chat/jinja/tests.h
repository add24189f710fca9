#pragma once
#include <string_view>

#include "chat/jinja/evaluator.h"

namespace apr::chat::jinja {

/// A test: `value is name(arguments)`. To add one: a row in tests.cpp.
struct Test {
  std::string_view name;
  bool (*holds)(Evaluator&, const Value&, const Arguments&);
};
const Test* find_test(std::string_view name);

}  // namespace apr::chat::jinja
