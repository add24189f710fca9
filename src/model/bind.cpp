#include "model/bind.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "quant/types.h"

namespace apr::model {
namespace {

std::vector<uint64_t> sizes(std::initializer_list<Dim> shape) {
  std::vector<uint64_t> s;
  for (const Dim& dim : shape) s.push_back(uint64_t(dim.size));
  return s;
}

std::string meanings(std::initializer_list<Dim> shape) {
  std::string text;
  for (const Dim& dim : shape) text += (text.empty() ? "" : ", ") + std::string(dim.meaning);
  return text;
}

kernels::Weight view(const gguf::Tensor& t, int n_out, int n_in) {
  return {t.type, n_out, n_in, t.data.data(), quant::info(t.type).row_bytes(uint64_t(n_in))};
}

}  // namespace

const gguf::Tensor& Binder::find(std::string_view name, std::initializer_list<Dim> shape) const {
  const std::string full = prefix_ + std::string(name);
  const gguf::Tensor* t = file_.find(full);
  if (!t) {
    fail(ErrorCode::BadModel, "{}: not in the file; a {} model needs it with shape [{}] ({}); is the file whole?", full,
         architecture_, fmt::join(sizes(shape), ", "), meanings(shape));
  }
  if (t->shape != sizes(shape)) {
    fail(ErrorCode::BadModel, "{}: shape [{}], expected [{}] ({}); the tensors and the metadata do not belong together",
         full, fmt::join(t->shape, ", "), fmt::join(sizes(shape), ", "), meanings(shape));
  }
  return *t;
}

kernels::Weight Binder::matrix(std::string_view name, Dim n_out, Dim n_in) const {
  return view(find(name, {n_out, n_in}), n_out.size, n_in.size);
}

kernels::ExpertWeights Binder::experts(std::string_view name, Dim count, Dim n_out, Dim n_in) const {
  return {view(find(name, {count, n_out, n_in}), n_out.size, n_in.size), count.size};
}

const float* Binder::vector(std::string_view name, Dim n) {
  const gguf::Tensor& t = find(name, {n});
  std::vector<float>& copy = vectors_.emplace_back(size_t(n.size));
  quant::decode(t.type, t.data.data(), copy.size(), copy.data());
  return copy.data();
}

}  // namespace apr::model
