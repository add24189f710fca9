#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "chat/jinja/evaluator.h"

namespace apr::chat::jinja {

/// A function of ours as a value.
using Native = std::function<Value(Evaluator&, Arguments&)>;
Value function(std::string name, Native call);

/// namespace(): the one thing that a template can change.
class Namespace final : public Object {
 public:
  std::string_view type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(std::string_view name) const override;
  int depth() const override { return depth_; }
  /// Trouble when it would hold too many levels.
  void set(const std::string& name, Value value);
  void clear() { values_.clear(); }

 private:
  std::map<std::string, Value, std::less<>> values_;
  int depth_ = 1;
};

/// range, namespace, dict, cycler, joiner, raise_exception, strftime_now. To add one: a row in globals.cpp.
std::optional<Value> find_global(std::string_view name);

}  // namespace apr::chat::jinja
