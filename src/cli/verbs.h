#pragma once
#include <memory>

#include "cli/verb.h"

namespace apr::cli {

std::unique_ptr<Verb> make_run();
std::unique_ptr<Verb> make_inspect();
std::unique_ptr<Verb> make_tensors();
std::unique_ptr<Verb> make_tokenize();
std::unique_ptr<Verb> make_logits();
std::unique_ptr<Verb> make_bench();
std::unique_ptr<Verb> make_render();

}  // namespace apr::cli
