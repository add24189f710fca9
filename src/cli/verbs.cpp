#include "cli/verbs.h"

namespace apr::cli {

std::vector<std::unique_ptr<Verb>> make_verbs() {
  std::vector<std::unique_ptr<Verb>> verbs;
  for (auto make : {make_run, make_inspect, make_tensors, make_tokenize, make_logits, make_bench, make_render})
    verbs.push_back(make());
  return verbs;
}

}  // namespace apr::cli
