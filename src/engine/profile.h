#pragma once
#include <string_view>
#include <vector>

#include "kernels/observer.h"

namespace apr::engine {

/// Adds up the time and the work of each step of forward passes.
///
/// threads one pass at a time
class Profile final : public kernels::Observer {
 public:
  struct Row {
    kernels::Step step;
    std::string_view weight;  ///< the first that the step reads: "attn_q.weight"; may be empty
    double seconds = 0;
    kernels::Work work;
  };
  void done(kernels::Step step, std::string_view weight, double seconds, const kernels::Work& work) override;
  const std::vector<Row>& rows() const { return rows_; }  ///< in the order in which a pass comes to them
  kernels::Work work() const;                             ///< of all steps
  double seconds() const;                                 ///< of all steps; a pass also has time between them

 private:
  std::vector<Row> rows_;
};

}  // namespace apr::engine
