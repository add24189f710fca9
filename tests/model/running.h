#pragma once
// Running a model in every way there is.
#include <algorithm>
#include <string>
#include <vector>

#include "kernels/support.h"
#include "model/model.h"

namespace apr::test {

using model::KvCache;
using model::KvType;
using model::Rows;

/// None of this may change a logit.
struct Way {
  std::string isa = "scalar";
  int threads = 1;
  int chunk = 0;  ///< tokens per forward; 0 = all at once
};

inline std::vector<std::string> isas_here() {
  std::vector<std::string> names;
  for (const IsaRow& row : kernels::all_isas()) {
    if (row.supported()) names.emplace_back(row.kernels->name);
  }
  return names;
}

inline KvCache cache_for(const model::Model& m, int capacity, KvType type) {
  return {m.config().L, m.config().G, m.config().d, capacity, type};
}

/// Tokens that look random, each below V.
inline std::vector<int> some_tokens(int T, int V, unsigned seed = 7) {
  Random random(seed);
  std::vector<int> tokens(size_t(T), 0);
  for (int& t : tokens) t = random.below(V);
  return tokens;
}

/// Logits of every position of `tokens`, which extend what is in kv: [T, V]. Each forward gets the scratch memory that
/// the model asks for, and no more.
inline std::vector<float> logits_of(const model::Model& m, std::span<const int> tokens, KvCache& kv,
                                    const Way& way = {}) {
  const size_t step = way.chunk ? size_t(way.chunk) : tokens.size();
  Ops op(pool_of(way.threads), way.isa);
  op.reserve(m.scratch_bytes(way.threads, int(std::min(step, tokens.size())), Rows::All));
  std::vector<float> all;
  for (size_t at = 0; at < tokens.size(); at += step) {
    op.begin();
    const Mat rows = m.forward(op, tokens.subspan(at, std::min(step, tokens.size() - at)), kv, Rows::All);
    all.insert(all.end(), rows.flat().begin(), rows.flat().end());
  }
  return all;
}

inline std::vector<float> logits_of(const model::Model& m, std::span<const int> tokens, KvType type,
                                    const Way& way = {}) {
  KvCache kv = cache_for(m, int(tokens.size()), type);
  return logits_of(m, tokens, kv, way);
}

}  // namespace apr::test
