#pragma once
// (interface under construction; the engine needs only the following)
#include <memory>
#include <string_view>

#include "base/thread_pool.h"
#include "kernels/kv_view.h"
#include "kernels/mat.h"

namespace apr::kernels {

class Ops {
 public:
  Ops(ThreadPool& pool, std::string_view isa);  ///< "" = best; UnsupportedOperation when this CPU lacks it
  ~Ops();
  std::string_view isa() const;
  void reserve(size_t floats);  ///< scratch arena for one forward pass
  void begin();                 ///< empties the arena: all Mats of the last pass end here
};

}  // namespace apr::kernels
