#include "engine/profile.h"

#include <algorithm>

namespace apr::engine {

void Profile::done(kernels::Step step, std::string_view weight, double seconds, const kernels::Work& work) {
  auto row =
      std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.step == step && r.weight == weight; });
  if (row == rows_.end()) row = rows_.insert(rows_.end(), Row{step, weight, 0, {}});
  row->seconds += seconds;
  row->work += work;
}

kernels::Work Profile::work() const {
  kernels::Work sum;
  for (const Row& r : rows_) sum += r.work;
  return sum;
}

double Profile::seconds() const {
  double sum = 0;
  for (const Row& r : rows_) sum += r.seconds;
  return sum;
}

}  // namespace apr::engine
