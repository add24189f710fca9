#pragma once
#include <optional>

#include "chat/jinja/ast.h"
#include "chat/jinja/evaluator.h"

// What operators do to values, as in Python. All throw Trouble for types that they do not take.
namespace apr::chat::jinja {

Value arithmetic(Evaluator& e, Op op, const Value& left, const Value& right);
bool holds(Evaluator& e, Op op, const Value& left, const Value& right);
Value signed_number(const Value& value, bool negative);
/// ==, whose work counts.
bool equal(Evaluator& e, const Value& left, const Value& right);
/// Whether left stands before right in an ordering; both numbers, both text, or both sequences of such.
bool less(Evaluator& e, const Value& left, const Value& right);
bool contains(Evaluator& e, const Value& container, const Value& value);
/// Element i of a sequence or text, from the end where i is negative; undefined outside.
Value element(const Value& of, int64_t i);
Value sliced(Evaluator& e, const Value& of, std::optional<int64_t> begin, std::optional<int64_t> end,
             std::optional<int64_t> step);
/// Trouble for what cannot be a key.
void require_hashable(const Value& value);

}  // namespace apr::chat::jinja
