#pragma once
#include <string_view>

#include "chat/jinja/text.h"

// Upper and lower case, and kinds of characters, by Unicode; special casing for the German sharp s only.
namespace apr::chat::jinja {

Text upper(const Text& text);
Text lower(const Text& text);
Text capitalized(const Text& text);
Text titled(const Text& text);  ///< as str.title(): a letter behind anything else is a capital
Text swapped(const Text& text);

// What Python's str.is…() hold for.
bool is_upper(std::string_view text);
bool is_lower(std::string_view text);
bool is_titled(std::string_view text);
bool is_alpha(std::string_view text);
bool is_digit(std::string_view text);
bool is_alnum(std::string_view text);
bool is_all_space(std::string_view text);
bool is_ascii(std::string_view text);

}  // namespace apr::chat::jinja
