// apr: runs mixture-of-experts language models from GGUF files. One verb per file; this one parses, reports and ends.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <new>
#include <string>

#include "base/error.h"
#include "base/printable.h"
#include "cli/terminal.h"
#include "cli/verb.h"

namespace {

using namespace apr;

constexpr const char* kFooter = R"(Begin with
  apr run MODEL.gguf -p "What is 2+2?"       one answer
  apr inspect MODEL.gguf                     what is in the file, and what memory it needs
  apr render MODEL.gguf -p Hello             the prompt that its chat template makes
  apr bench MODEL.gguf                       how fast it is here
  apr VERB --help                            all flags of a verb, with examples

Exit codes
  0 done   1 bug in apr   2 command line   3 file cannot be read or written   4 file damaged
  5 not supported   6 metadata and tensors make no model   7 does not fit the context
  8 does not fit the memory   9 bad text, tokens or JSON   10 chat template   130, 143 interrupted)";

/// Whether JSON was asked for, also where the rest of the command line cannot be parsed.
bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i], next = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--json" || arg == "-fjson" || arg == "-f=json" || arg == "--format=json") return true;
    if ((arg == "-f" || arg == "--format") && next == "json") return true;
  }
  return false;
}

int report(bool json, std::string_view code, int exit_code, const std::string& message) {
  std::fprintf(stderr, "apr: %s\n", message.c_str());
  if (json) cli::print_json(cli::error_document(code, exit_code, message));
  return exit_code;
}

std::string one_line(std::string text) {
  for (char& c : text) c = c == '\n' ? ' ' : c;
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

int usage_error(bool json, const CLI::App& app, const CLI::ParseError& error, const std::string& first) {
  std::string verb;
  if (app.get_subcommands().empty() && !first.empty() && first[0] != '-') {
    return report(json, "Usage", int(ErrorCode::Usage), "there is no verb '" + first + "'; see: apr --help");
  }
  for (const CLI::App* used : app.get_subcommands()) verb = used->get_name() + " ";
  if (const std::vector<std::string> extra = app.remaining(true); !extra.empty()) {
    const auto flag = std::find_if(extra.begin(), extra.end(), [](const std::string& a) { return a.starts_with('-'); });
    const std::string what = flag != extra.end() ? "there is no flag '" + printable(*flag) + "'"
                                                 : "one argument too many: '" + printable(extra.front()) + "'";
    return report(json, "Usage", int(ErrorCode::Usage), what + "; see: apr " + verb + "--help");
  }
  return report(json, "Usage", int(ErrorCode::Usage), one_line(error.what()) + "; see: apr " + verb + "--help");
}

int run(int argc, char** argv, bool json) {
  CLI::App app(
      "apr runs mixture-of-experts language models (Qwen3-Coder and kin) from GGUF files, on the CPU you have.");
  app.footer(kFooter);
  app.set_version_flag("--version", "apr " APR_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);

  auto verbs = cli::make_verbs();
  for (auto& verb : verbs) {
    CLI::App* sub = app.add_subcommand(verb->name(), verb->summary());
    verb->declare(*sub);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    return usage_error(json, app, error, argc > 1 ? argv[1] : "");
  }
  for (auto& verb : verbs) {
    if (app.got_subcommand(verb->name())) return verb->run();
  }
  return int(ErrorCode::Internal);
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe shows as a failed write
  const bool json = wants_json(argc, argv);
  try {
    try {
      return run(argc, argv, json);
    } catch (const Error& e) {
      return report(json, name_of(e.code()), int(e.code()), e.what());
    } catch (const cli::Interrupted&) {
      return report(json, "Interrupted", cli::interrupt_exit_code(), "interrupted before there was an answer");
    } catch (const std::bad_alloc&) {
      return report(json, name_of(ErrorCode::Memory), int(ErrorCode::Memory),
                    "memory: the system refused more; free some, or ask for a smaller context");
    } catch (const std::exception& e) {
      return report(json, name_of(ErrorCode::Internal), int(ErrorCode::Internal),
                    std::string("a bug in apr: ") + e.what());
    }
  } catch (const cli::OutputClosed&) {
    return int(ErrorCode::Io);
  } catch (const Error& e) {  // the report itself could not be written
    std::fprintf(stderr, "apr: %s\n", e.what());
    return int(e.code());
  }
}
