#pragma once
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chat/jinja/ast.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/value.h"

namespace apr::chat::jinja {

/// What a template's raise_exception(message) says.
struct Raised {
  std::string message;
};

/// Names and their values, one scope of them.
using Scope = std::unordered_map<std::string, Value>;

/// Walks a template. One for each rendering; filters, tests and objects are handed it.
///
/// errors  Trouble, Raised; place() is where
class Evaluator {
 public:
  Evaluator(const Dict& variables, const std::tm& now, const Limits& limits);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  Text run(const Body& body);
  Place place() const { return place_; }

  Budget& budget() { return budget_; }
  const std::tm& now() const { return now_; }

  Value evaluate(const Expr& expr);
  Value call(const Value& callee, Arguments& arguments);
  /// of.name, and of[key]: undefined where there is no such thing.
  Value attribute(const Value& of, std::string_view name);
  Value item(const Value& of, const Value& key);
  /// What a `for` goes over: items, keys, characters.
  List iterate(const Value& value);
  /// What `print` shows.
  Text show(const Value& value);
  /// The body of a macro, or of a call block, as a value that can be called.
  Value body_of(const Stmt& stmt);

  /// Runs a macro's body with its parameters bound. scopes: those around its definition, from the template's own
  /// inwards
  Value run_macro(const Stmt& stmt, const std::vector<Scope>& scopes, Arguments& arguments);
  /// Goes over `items`. For a recursive loop's own call the result is what it printed.
  void run_loop(const Stmt& stmt, List items, int depth);
  Value run_recursive(const Stmt& stmt, List items, int depth);
  /// Remembers an object that may hold itself, to take it apart at the end.
  void own(std::shared_ptr<Object> object) { owned_.push_back(std::move(object)); }

 private:
  enum class Flow { On, Break, Continue };
  class InnerScope;
  class Capture;

  Flow run_body(const Body& body);
  Flow run_one(const Stmt& stmt);
  Flow run_condition(const Stmt& stmt);
  Flow run_with(const Stmt& stmt);
  void run_set(const Stmt& stmt);
  void run_call_block(const Stmt& stmt);
  Text captured(const Body& body);
  Value filtered(const Expr& filters, Value value);
  void assign(const Target& target, const Value& value);
  void print(const Text& text);

  Value look_up(const std::string& name);
  Value literal_list(const Expr& expr);
  Value literal_dict(const Expr& expr);
  Value slice(const Expr& expr);
  Value compare(const Expr& expr);
  Value filter(const Expr& expr);
  Value test(const Expr& expr);
  Value concat(const Expr& expr);
  Value conditional(const Expr& expr);
  Value choose(const Expr& expr, bool stop_at);
  Arguments arguments(const WrittenArguments& written);
  Scope& scope() { return inner_.empty() ? top_ : inner_.back(); }

  const Dict& variables_;
  std::tm now_;
  Budget budget_;
  Place place_;
  Scope top_;                 // the template's own names
  std::vector<Scope> inner_;  // those of loops, macros and blocks
  Text* out_ = nullptr;
  std::vector<std::shared_ptr<Object>> owned_;
};

/// The arguments of a call by the names of its parameters.
///
/// errors  Trouble for too many, for names that are not there, and for one given twice
class Binder {
 public:
  Binder(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> names);
  bool has(size_t i) const { return values_[i] != nullptr; }
  const Value& operator[](size_t i) const;  ///< Trouble when it is missing
  // With a value for what is missing. Trouble where the type is another.
  int64_t integer(size_t i, int64_t usual) const;
  bool truth(size_t i, bool usual) const;
  Text text(size_t i, std::string_view usual) const;

 private:
  std::string_view function_;
  std::vector<std::string_view> names_;
  std::vector<const Value*> values_;
};

}  // namespace apr::chat::jinja
