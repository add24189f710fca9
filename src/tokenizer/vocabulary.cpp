#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/printable.h"
#include "tokenizer/tokenizer.h"

namespace apr::tokenizer {
namespace {

using nlohmann::json;

// Real vocabularies stay below 300,000; the bound keeps one wild id from asking for gigabytes of placeholders.
constexpr int64_t kMaxTokens = int64_t{1} << 22;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path))
    fail(ErrorCode::Io, "{}: cannot be opened for reading, expected a file", path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) fail(ErrorCode::Io, "{}: reading stopped after {} bytes", path, text.size());
  return text;
}

/// Collects tokens by id and refuses what cannot be a vocabulary.
class Builder {
 public:
  explicit Builder(Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  void add(const std::string& file, std::string text, int64_t id, Kind kind);
  void fill_gaps();

 private:
  Vocabulary& vocabulary_;
  std::unordered_map<std::string, Token> ids_;
};

void Builder::add(const std::string& file, std::string text, int64_t id, Kind kind) {
  if (id < 0 || id >= kMaxTokens) {
    fail(ErrorCode::BadFile, "{}: token \"{}\" has id {}, expected 0 to {}", file, printable(text), id, kMaxTokens - 1);
  }
  const auto [same_text, is_new] = ids_.try_emplace(text, static_cast<Token>(id));
  if (!is_new && (same_text->second != id || kind == Kind::Normal)) {
    fail(ErrorCode::BadFile, "{}: token \"{}\" has ids {} and {}, expected each token once", file, text,
         same_text->second, id);
  }
  auto& [pre, tokens, kinds, merges, source] = vocabulary_;
  const auto at = static_cast<size_t>(id);
  if (at >= tokens.size()) {
    tokens.resize(at + 1);
    kinds.resize(at + 1, Kind::Unused);
  }
  // An added token may repeat an entry of vocab.json to say that it is special.
  if (kinds[at] != Kind::Unused && tokens[at] != text) {
    fail(ErrorCode::BadFile, "{}: id {} is \"{}\" and \"{}\", expected each id once", file, id, printable(tokens[at]),
         printable(text));
  }
  tokens[at] = std::move(text);
  kinds[at] = kind;
}

void Builder::fill_gaps() {
  for (size_t id = 0; id < vocabulary_.tokens.size(); ++id) {
    if (vocabulary_.kinds[id] == Kind::Unused) vocabulary_.tokens[id] = "[UNUSED" + std::to_string(id) + "]";
  }
}

/// Reads {"token": id, …} as a stream: the file has 150,000 entries, and a document would keep only the last of two
/// equal keys.
class VocabReader : public nlohmann::json_sax<json> {
 public:
  VocabReader(const std::string& file, Builder& builder) : file_(file), builder_(builder) {}

  bool start_object(size_t) override { return depth_++ == 0 || wrong("an object"); }
  bool end_object() override { return true; }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool number_unsigned(number_unsigned_t id) override {
    return add(static_cast<int64_t>(std::min<number_unsigned_t>(id, INT64_MAX)));
  }
  bool number_integer(number_integer_t id) override { return add(id); }
  bool number_float(number_float_t, const string_t&) override { return wrong("a fraction"); }
  bool null() override { return wrong("null"); }
  bool boolean(bool) override { return wrong("a truth value"); }
  bool string(string_t&) override { return wrong("a string"); }
  bool binary(binary_t&) override { return wrong("binary data"); }
  bool start_array(size_t) override { return wrong("an array"); }
  bool end_array() override { return true; }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    fail(ErrorCode::BadFile, "{}: no valid JSON at byte {}: {}", file_, position, error.what());
  }

 private:
  bool add(int64_t id) {
    if (depth_ == 0) return wrong("a number");
    builder_.add(file_, std::move(key_), id, Kind::Normal);
    return true;
  }
  bool wrong(std::string_view found) {
    if (depth_ == 0)
      fail(ErrorCode::BadFile, "{}: found {}, expected an object of token texts and their ids", file_, found);
    fail(ErrorCode::BadFile, "{}: key \"{}\": found {}, expected a token id", file_, printable(key_), found);
  }

  const std::string& file_;
  Builder& builder_;
  std::string key_;
  int depth_ = 0;
};

json parse_object(const std::string& file) {
  std::unordered_set<std::string> keys;
  std::string repeated;
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::key && depth == 1 && !keys.insert(value.get<std::string>()).second)
      repeated = value;
    return true;
  };
  json document;
  try {
    document = json::parse(read_file(file), watch);
  } catch (const json::exception& error) {
    fail(ErrorCode::BadFile, "{}: no valid JSON: {}", file, error.what());
  }
  if (!repeated.empty())
    fail(ErrorCode::BadFile, "{}: key \"{}\" is there twice, expected each once", file, printable(repeated));
  if (!document.is_object()) fail(ErrorCode::BadFile, "{}: found {}, expected an object", file, document.type_name());
  return document;
}

/// Where a file does not say, tokens in bars are taken for control tokens, as converters to GGUF do.
Kind kind_by_look(std::string_view text) {
  return text.starts_with("<|") && text.ends_with("|>") ? Kind::Control : Kind::UserDefined;
}

std::optional<int64_t> parse_id(std::string_view text) {
  int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

void read_added_token(const std::string& file, const std::string& key, const json& value, Builder& builder) {
  if (value.is_number_integer()) {
    const int64_t id =
        value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX ? INT64_MAX : value.get<int64_t>();
    return builder.add(file, key, id, kind_by_look(key));
  }
  const std::optional<int64_t> id = parse_id(key);
  const bool has_content = value.is_object() && value.contains("content") && value["content"].is_string();
  if (!id || !has_content || (value.contains("special") && !value["special"].is_boolean())) {
    fail(ErrorCode::BadFile,
         R"({}: key "{}": found {}, expected "ID": {{"content": TEXT, "special": BOOL}} or "TEXT": ID)", file, key,
         value.dump(-1, ' ', false, json::error_handler_t::replace));
  }
  const auto content = value["content"].get<std::string>();
  if (content.empty())
    fail(ErrorCode::BadFile, "{}: key \"{}\": the content is empty, expected a text", file, printable(key));
  const Kind kind = !value.contains("special")     ? kind_by_look(content)
                    : value["special"].get<bool>() ? Kind::Control
                                                   : Kind::UserDefined;
  builder.add(file, content, *id, kind);
}

std::vector<std::string> read_merges(const std::string& file) {
  const std::string text = read_file(file);
  std::vector<std::string> merges;
  std::string_view left = text;
  for (size_t number = 1; !left.empty(); ++number) {
    const size_t end = std::min(left.find('\n'), left.size());
    std::string_view line = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    // Only the first line may be a comment: '#' is a token like any other.
    if (number == 1 && line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    if (space == 0 || space == line.npos || space + 1 == line.size() || line.find(' ', space + 1) != line.npos) {
      fail(ErrorCode::BadFile, "{}: line {} is \"{}\", expected two tokens and a space between them", file, number,
           printable(line));
    }
    merges.emplace_back(line);
  }
  return merges;
}

}  // namespace

Vocabulary read_vocabulary(const std::string& vocab_json, const std::string& merges_txt, const std::string& pre) {
  Vocabulary vocabulary{.pre = pre, .tokens = {}, .kinds = {}, .merges = {}, .source = vocab_json};
  Builder builder(vocabulary);
  VocabReader reader(vocab_json, builder);
  json::sax_parse(read_file(vocab_json), &reader);
  const std::string added = (std::filesystem::path(vocab_json).parent_path() / "added_tokens.json").string();
  if (std::filesystem::exists(added)) {
    const json document = parse_object(added);
    for (const auto& [key, value] : document.items()) read_added_token(added, key, value, builder);
  }
  builder.fill_gaps();
  vocabulary.merges = read_merges(merges_txt);
  return vocabulary;
}

}  // namespace apr::tokenizer
