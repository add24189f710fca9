#include "chat/messages.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "base/printable.h"

namespace apr::chat {
namespace {

constexpr std::array<std::string_view, 4> kRoles = {"system", "user", "assistant", "tool"};

std::string role_of(const Json& message, const std::string& where) {
  const auto role = message.find("role");
  if (role == message.end() || !role->is_string())
    fail(ErrorCode::BadInput, "{}.role: {}, expected system, user, assistant or tool", where,
         role == message.end() ? "missing" : std::string("found ") + role->type_name());
  const std::string& name = role->get_ref<const std::string&>();
  if (name == "developer") return "system";
  if (name == "function") return "tool";
  if (std::ranges::find(kRoles, name) == kRoles.end())
    fail(ErrorCode::BadInput, "{}.role: found \"{}\", expected system, developer, user, assistant or tool", where,
         printable(name, 40));
  return name;
}

std::string text_of_part(const Json& part, const std::string& where) {
  if (part.is_string()) return part.get<std::string>();
  if (!part.is_object()) fail(ErrorCode::BadInput, "{}: found {}, expected a content part", where, part.type_name());
  const auto type = part.find("type"), text = part.find("text");
  const std::string kind = type != part.end() && type->is_string() ? type->get<std::string>() : "text";
  const bool is_text = kind == "text" || kind == "input_text" || kind == "output_text";
  if (!is_text)
    fail(ErrorCode::BadInput, "{}.type: found \"{}\", but this model reads text only; leave the part out", where,
         printable(kind, 40));
  if (text == part.end() || !text->is_string())
    fail(ErrorCode::BadInput, "{}.text: {}, expected the part's text", where,
         text == part.end() ? "missing" : std::string("found ") + text->type_name());
  return text->get<std::string>();
}

std::string text_of_content(const Json& message, const std::string& where) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array())
    fail(ErrorCode::BadInput, "{}.content: found {}, expected text or a list of parts", where, content->type_name());
  std::string all;
  for (size_t i = 0; i < content->size(); ++i) {
    if (i > 0) all += '\n';
    all += text_of_part((*content)[i], fmt::format("{}.content[{}]", where, i));
  }
  return all;
}

/// The object that JSON text holds, or a discarded value.
Json object_in(const std::string& text) {
  if (std::ranges::all_of(text, [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }))
    return Json::object();
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : Json(Json::value_t::discarded);
}

Json tool_call(const Json& call, const std::string& where, std::vector<std::string>& notes) {
  if (!call.is_object()) fail(ErrorCode::BadInput, "{}: found {}, expected a tool call", where, call.type_name());
  Json out = call;
  if (!out.contains("function")) {
    Json function = Json::object();
    for (const char* field : {"name", "arguments"}) {
      if (const auto it = out.find(field); it != out.end()) {
        function[field] = *it;
        out.erase(field);
      }
    }
    out["function"] = std::move(function);
  }
  if (!out.contains("type")) out["type"] = "function";
  Json& function = out["function"];
  if (!function.is_object())
    fail(ErrorCode::BadInput, "{}.function: found {}, expected an object with a name", where, function.type_name());
  const auto name = function.find("name");
  if (name == function.end() || !name->is_string())
    fail(ErrorCode::BadInput, "{}.function.name: {}, expected the function's name", where,
         name == function.end() ? "missing" : std::string("found ") + name->type_name());
  Json& arguments = function["arguments"];  // null where there are none
  if (arguments.is_null()) arguments = Json::object();
  if (arguments.is_string()) {
    const std::string text = arguments.get<std::string>();
    Json object = object_in(text);
    if (object.is_discarded()) {
      notes.push_back(
          fmt::format("{}.function.arguments: they are no JSON object, and are shown to the model as text", where));
      object = Json{{"arguments", text}};
    }
    arguments = std::move(object);
  }
  if (!arguments.is_object())
    fail(ErrorCode::BadInput, "{}.function.arguments: found {}, expected an object or its JSON text", where,
         arguments.type_name());
  return out;
}

Json normalised(const Json& message, const std::string& where, std::vector<std::string>& notes) {
  if (!message.is_object())
    fail(ErrorCode::BadInput, "{}: found {}, expected an object with role and content", where, message.type_name());
  Json out = message;
  out["role"] = role_of(message, where);
  out["content"] = text_of_content(message, where);
  const auto calls = out.find("tool_calls");
  if (calls == out.end()) return out;
  if (calls->is_null() || (calls->is_array() && calls->empty())) {
    out.erase("tool_calls");
    return out;
  }
  if (!calls->is_array())
    fail(ErrorCode::BadInput, "{}.tool_calls: found {}, expected a list", where, calls->type_name());
  for (size_t i = 0; i < calls->size(); ++i)
    (*calls)[i] = tool_call((*calls)[i], fmt::format("{}.tool_calls[{}]", where, i), notes);
  return out;
}

std::string joined(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return a + b;
  return a + "\n\n" + b;
}

void add_text(Json& message, const Json& more, bool in_front) {
  const std::string ours = message["content"].get<std::string>(), theirs = more["content"].get<std::string>();
  message["content"] = in_front ? joined(theirs, ours) : joined(ours, theirs);
}

bool is_role(const Json& message, std::string_view role) {
  return message["role"].get_ref<const std::string&>() == role;
}

/// Whether two neighbours can be one message: nothing but texts of the same speaker.
bool one_message(const Json& a, const Json& b) {
  return a["role"] == b["role"] && !is_role(a, "tool") && !a.contains("tool_calls") && !b.contains("tool_calls");
}

}  // namespace

Messages normalise(const Json& messages) {
  if (!messages.is_array())
    fail(ErrorCode::BadInput, "messages: found {}, expected a list of messages", messages.type_name());
  Messages result{Json::array(), {}};
  for (size_t i = 0; i < messages.size(); ++i)
    result.list.push_back(normalised(messages[i], fmt::format("messages[{}]", i), result.notes));
  return result;
}

Json merge_turns(const Json& messages) {
  Json list = Json::array();
  std::vector<Json> waiting;  // system messages that the next user's message takes up
  for (const Json& message : messages) {
    const bool late_system = is_role(message, "system") && !list.empty() && !is_role(list.back(), "system");
    if (late_system || (is_role(message, "system") && !waiting.empty())) {
      waiting.push_back(message);
      continue;
    }
    list.push_back(message);
    if (!is_role(message, "user")) continue;
    for (auto it = waiting.rbegin(); it != waiting.rend(); ++it) add_text(list.back(), *it, true);
    waiting.clear();
  }
  for (const Json& message : waiting) {  // none came: they end the conversation
    if (is_role(list.back(), "user")) {
      add_text(list.back(), message, false);
    } else {
      list.push_back(message);
      list.back()["role"] = "user";
    }
  }
  Json merged = Json::array();
  for (Json& message : list) {
    if (!merged.empty() && one_message(merged.back(), message)) {
      add_text(merged.back(), message, false);
    } else {
      merged.push_back(std::move(message));
    }
  }
  return merged;
}

}  // namespace apr::chat
