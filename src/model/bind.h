#pragma once
#include <initializer_list>
#include <list>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "gguf/file.h"
#include "kernels/mat.h"
#include "model/placement.h"

namespace apr::model {

/// A length with the letters that say what it is, for error sentences: {"H·d, rows of q", 4096}.
struct Dim {
  const char* meaning;
  int size;
};

/// Finds tensors by name, proves their shapes and hands out views. One line per tensor in a model's file is its binding
/// table.
///
/// owns    the f32 copies of the vectors (norms and biases)
/// errors  BadModel: "blk.3.attn_q.weight: shape [2048, 4096], expected [4096, 2048] (H·d, D); …"
class Binder {
 public:
  Binder(const gguf::File& file, std::string architecture, Placement& placement)
      : file_(file), architecture_(std::move(architecture)), placement_(placement) {}

  /// Names that follow are "blk.LAYER." + name; -1 = as they are.
  void layer(int l) { prefix_ = l < 0 ? "" : "blk." + std::to_string(l) + "."; }
  bool has(std::string_view name) const { return file_.find(prefix_ + std::string(name)) != nullptr; }

  // Names are literals: weights keep them.
  /// A matrix whose rows are looked up: it stays as the file stores it.
  kernels::Weight table(std::string_view name, Dim n_out, Dim n_in);
  /// Matrices that products read, wherever the placement keeps them.
  kernels::Weight matrix(std::string_view name, Dim n_out, Dim n_in);
  kernels::ExpertWeights experts(std::string_view name, Dim count, Dim n_out, Dim n_in);
  const float* vector(std::string_view name, Dim n);
  /// nullptr when the file has none.
  const float* optional_vector(std::string_view name, Dim n) { return has(name) ? vector(name, n) : nullptr; }

  /// To be called last: the vectors handed out, for the model to keep.
  /// errors  UnsupportedOperation for a tensor that nobody asked for: ignoring it would give other logits than the
  /// model's
  std::list<std::vector<float>> finish();

 private:
  const gguf::Tensor& find(std::string_view name, std::initializer_list<Dim> shape);
  const gguf::File& file_;
  std::string architecture_, prefix_;
  Placement& placement_;
  std::unordered_set<const gguf::Tensor*> used_;
  std::list<std::vector<float>> vectors_;
};

}  // namespace apr::model
