#pragma once
#include <span>
#include <string_view>

#include "chat/jinja/evaluator.h"

namespace apr::chat::jinja {

/// A filter: `value | name(arguments)`. To add one: a row in filters_text.cpp, filters_list.cpp or filters_value.cpp.
struct Filter {
  std::string_view name;
  Value (*apply)(Evaluator&, const Value&, const Arguments&);
};

/// Those of Jinja2, but pprint, random, striptags, urlize, wordwrap and xmlattr. Null: there is none of that name.
const Filter* find_filter(std::string_view name);

std::span<const Filter> text_filters();   ///< from text to text
std::span<const Filter> list_filters();   ///< of sequences and dicts
std::span<const Filter> value_filters();  ///< the others

}  // namespace apr::chat::jinja
