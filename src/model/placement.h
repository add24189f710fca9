#pragma once
#include "gguf/file.h"
#include "kernels/mat.h"

namespace apr::model {

/// Decides where the matrices of a model are kept while it is bound.
///
/// errors  those of place(), which may also end the binding with an exception of its own
class Placement {
 public:
  virtual ~Placement() = default;
  /// What the model is to use for `stored`, the first of `count` matrices that lie one after another in tensor `t`: the
  /// same numbers, in the file or elsewhere. Memory elsewhere must outlive the model. Called once per use.
  virtual kernels::Weight place(const gguf::Tensor& t, const kernels::Weight& stored, int count) = 0;
};

/// Leaves every matrix in the file.
class InFile final : public Placement {
 public:
  kernels::Weight place(const gguf::Tensor&, const kernels::Weight& stored, int) override { return stored; }
};

}  // namespace apr::model
