#include "model/bind.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "base/printable.h"
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

kernels::Weight view(const gguf::Tensor& t, std::string_view name, int n_out, int n_in) {
  return {t.type, n_out, n_in, t.data.data(), quant::info(t.type).row_bytes(uint64_t(n_in)), 0, name};
}

}  // namespace

const gguf::Tensor& Binder::find(std::string_view name, std::initializer_list<Dim> shape) {
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
  used_.insert(t);
  return *t;
}

kernels::Weight Binder::table(std::string_view name, Dim n_out, Dim n_in) {
  return view(find(name, {n_out, n_in}), name, n_out.size, n_in.size);
}

kernels::Weight Binder::matrix(std::string_view name, Dim n_out, Dim n_in) {
  const gguf::Tensor& t = find(name, {n_out, n_in});
  return placement_.place(t, view(t, name, n_out.size, n_in.size), 1);
}

kernels::ExpertWeights Binder::experts(std::string_view name, Dim count, Dim n_out, Dim n_in) {
  const gguf::Tensor& t = find(name, {count, n_out, n_in});
  return {placement_.place(t, view(t, name, n_out.size, n_in.size), count.size), count.size};
}

const float* Binder::vector(std::string_view name, Dim n) {
  const gguf::Tensor& t = find(name, {n});
  std::vector<float>& copy = vectors_.emplace_back(size_t(n.size));
  quant::decode(t.type, t.data.data(), copy.size(), copy.data());
  return copy.data();
}

std::list<std::vector<float>> Binder::finish() {
  constexpr std::string_view kReadElsewhere = "rope_freqs.weight";  // rope_frequencies()
  for (const gguf::Tensor& t : file_.tensors()) {
    if (t.name == kReadElsewhere || used_.count(&t)) continue;
    fail(ErrorCode::UnsupportedOperation,
         "{}: {} models with this tensor are not built, and without it their answers would be wrong; use a file whose "
         "architecture it belongs to",
         printable(t.name), architecture_);
  }
  return std::move(vectors_);
}

}  // namespace apr::model
