#include "cli/model_facts.h"

#include <algorithm>

namespace apr::cli {
namespace {

bool has(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

const char* class_of(const std::string& name) {
  if (has(name, "_exps.")) return "experts";
  if (has(name, "ffn_gate_inp.")) return "router";
  if (has(name, "norm.") || has(name, ".bias") || has(name, "rope_freqs")) return "norms and biases";
  if (has(name, "attn_")) return "attention";
  if (has(name, "ffn_")) return "feed-forward";
  if (has(name, "token_embd.")) return "embedding";
  if (has(name, "output.")) return "output";
  return "other";
}

void count(std::vector<TensorClass>& classes, const gguf::Tensor& t) {
  const std::string name = class_of(t.name), type(quant::info(t.type).name);
  auto found = std::find_if(classes.begin(), classes.end(),
                            [&](const TensorClass& c) { return c.name == name && c.type == type; });
  if (found == classes.end()) found = classes.insert(classes.end(), {name, type});
  ++found->count;
  found->elements += t.elements();
  found->bytes += t.data.size();
}

}  // namespace

ModelFacts model_facts(const gguf::File& file, const model::Config& c) {
  ModelFacts facts;
  const bool tied = !file.find("output.weight");
  for (const gguf::Tensor& t : file.tensors()) {
    count(facts.classes, t);
    facts.parameters += t.elements();
    const std::string kind = class_of(t.name);
    uint64_t elements = t.elements(), bytes = t.data.size();
    if (kind == "experts" && c.E > 0) {
      elements = elements / uint64_t(c.E) * uint64_t(c.K);
      bytes = bytes / uint64_t(c.E) * uint64_t(c.K);
    } else if (kind == "embedding" && !tied) {
      elements /= uint64_t(c.V);
      bytes /= uint64_t(c.V);
    }
    facts.active_parameters += elements;
    facts.active_bytes += bytes;
    if (t.shape.size() > 1 && (kind != "embedding" || tied)) facts.macs += elements;
  }
  return facts;
}

}  // namespace apr::cli
