#include <iostream>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/printable.h"
#include "cli/model_flags.h"
#include "cli/prompt.h"
#include "cli/terminal.h"
#include "cli/token_list.h"
#include "cli/verbs.h"

namespace apr::cli {
namespace {

using tokenizer::Special;
using tokenizer::Token;
using tokenizer::Tokenizer;

class Tokenize final : public Verb {
 public:
  const char* name() const override { return "tokenize"; }
  const char* summary() const override { return "Turn text into token ids, or back"; }

  void declare(CLI::App& app) override {
    app.footer(R"(Examples
  apr tokenize MODEL.gguf -p "Hello, world!"           9707 11 1879 0 (with the vocabulary of Qwen3)
  apr tokenize MODEL.gguf --decode -p "9707 11 1879"   Hello, world
  apr tokenize MODEL.gguf --jsonl < lines.jsonl        {"text":…,"special":bool} lines to {"ids":[…]} lines
  apr tokenize MODEL.gguf --jsonl --decode             {"ids":[…]} lines to {"text":…} lines
  apr tokenize --vocab-dir DIR -p text                 from vocab.json, merges.txt and added_tokens.json)");
    app.add_option("MODEL", path_, "A GGUF file with a tokenizer");
    auto* folder =
        app.add_option("--vocab-dir", vocab_dir_, "A folder with vocab.json and merges.txt, instead of MODEL");
    app.add_option("--pre", pre_, "Pre-tokenizer for --vocab-dir: qwen2, gpt-2 or llama-bpe")
        ->needs(folder)
        ->capture_default_str();
    app.add_option("-p,--prompt", prompt_,
                   "The text (or the ids, with --decode); @FILE reads a file, - standard input (the default)");
    app.add_flag("--jsonl", jsonl_, "Read a JSON object per line from standard input and print one for each");
    auto* no_special =
        app.add_flag("--no-special", no_special_, "Take special tokens such as <|im_end|> in the text as plain text");
    app.add_flag("--decode", decode_, "From ids to text")->excludes(no_special);
  }

  int run() override {
    if (path_.empty() == vocab_dir_.empty()) fail(ErrorCode::Usage, "tokenize: give either MODEL or --vocab-dir");
    if (jsonl_ && prompt_) fail(ErrorCode::Usage, "--jsonl: reads standard input; leave -p out");
    const Tokenizer tokenizer(load());
    if (jsonl_) {
      each_line(tokenizer);
    } else if (decode_) {
      print(decode(tokenizer, parse_tokens(read_prompt(prompt_), "ids")) + "\n");
    } else {
      std::string line;
      for (Token id : tokenizer.encode(read_prompt(prompt_), special()))
        line += (line.empty() ? "" : " ") + std::to_string(id);
      print(line + "\n");
    }
    return 0;
  }

 private:
  Special special() const { return no_special_ ? Special::Plain : Special::Parse; }

  tokenizer::Vocabulary load() const {
    if (!vocab_dir_.empty())
      return tokenizer::read_vocabulary(vocab_dir_ + "/vocab.json", vocab_dir_ + "/merges.txt", pre_);
    return engine::vocabulary_of(gguf::File::open(path_));
  }

  static std::string decode(const Tokenizer& tokenizer, const std::vector<Token>& ids) {
    for (Token id : ids) {
      if (!tokenizer.valid(id))
        fail(ErrorCode::BadInput, "ids: {} is not in the vocabulary of {} tokens", id, tokenizer.size());
    }
    return tokenizer.decode(ids);
  }

  /// Whole numbers only: the JSON library would wrap, round or convert whatever it finds.
  static std::vector<Token> ids_of(const Json& list) {
    if (!list.is_array()) fail(ErrorCode::BadInput, "ids: found a {}, expected a list of token ids", list.type_name());
    std::vector<Token> ids;
    for (const Json& id : list) {
      if (!id.is_number_integer() || id < 0 || id > std::numeric_limits<Token>::max())
        fail(ErrorCode::BadInput, "ids: entry {} is {}, expected a token id such as 9707", ids.size() + 1,
             id.dump().substr(0, 40));
      ids.push_back(id.get<Token>());
    }
    return ids;
  }

  void each_line(const Tokenizer& tokenizer) const {
    std::string line, out;
    for (size_t number = 1; std::getline(std::cin, line); ++number) {
      if (line.empty() || line == "\r") continue;
      try {
        out += to_text(answer(tokenizer, Json::parse(line))) + "\n";
      } catch (const Json::exception&) {
        print(out);
        fail(ErrorCode::BadInput, "line {}: found {}, expected {}", number, printable(line, 60),
             decode_ ? R"({"ids":[…]})" : R"({"text":…,"special":true or false})");
      } catch (const Error& e) {
        print(out);
        fail(e.code(), "line {}: {}", number, e.what());
      }
      if (out.size() > 1 << 16 || std::cin.rdbuf()->in_avail() <= 0) {  // at once where someone waits for each line
        print(out);
        out.clear();
      }
    }
    print(out);
  }

  Json answer(const Tokenizer& tokenizer, const Json& request) const {
    if (decode_) return {{"text", decode(tokenizer, ids_of(request.at("ids")))}};
    const bool plain = no_special_ || !request.value("special", true);
    return {{"ids", tokenizer.encode(request.at("text").get<std::string>(), plain ? Special::Plain : Special::Parse)}};
  }

  std::string path_, vocab_dir_, pre_ = "qwen2";
  std::optional<std::string> prompt_;
  bool jsonl_ = false, no_special_ = false, decode_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_tokenize() { return std::make_unique<Tokenize>(); }

}  // namespace apr::cli
