// Any bytes as a GGUF file: the loader either refuses them with an apr::Error or gives a file that can be walked whole.
// The seeds in corpus/gguf are the broken files of tests/gguf/broken_files.h and the sound ones of
// tests/gguf/samples.h.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "gguf/file.h"

namespace {

using apr::gguf::File;
using apr::gguf::Metadata;
using apr::gguf::Tensor;

/// A promise of the interface that did not hold.
void require(bool kept) {
  if (!kept) __builtin_trap();
}

/// A typed getter either gives a value or throws Error; both are fine.
template <class Get>
void try_get(Get get) {
  try {
    get();
  } catch (const apr::Error& e) {
    require(e.code() == apr::ErrorCode::BadModel);
  }
}

void walk(const Metadata& metadata) {
  for (const auto& [key, value] : metadata.entries()) {
    require(metadata.find(key) == &value);
    require(value.display().size() <= 120 && value.display(0).size() <= 40);
    try_get([&] { metadata.u64(key); });
    try_get([&] { metadata.f64(key); });
    try_get([&] { metadata.boolean(key); });
    try_get([&] { metadata.string(key); });
    try_get([&] { metadata.strings(key); });
    try_get([&] { metadata.integers(key); });
    try_get([&] { metadata.floats(key); });
  }
}

void walk(const File& file) {
  unsigned sum = 0;
  for (const Tensor& t : file.tensors()) {
    require(file.find(t.name) == &t && t.elements() > 0 && !t.data.empty());
    require(t.offset + t.data.size() <= file.file_bytes());
    for (const std::byte b : t.data) sum += unsigned(b);
  }
  volatile unsigned kept = sum;  // so that the reads happen
  (void)kept;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const File file = File::parse(std::as_bytes(std::span(data, size)));
    walk(file.metadata());
    walk(file);
  } catch (const apr::Error& e) {
    require(e.code() == apr::ErrorCode::BadFile || e.code() == apr::ErrorCode::UnsupportedOperation);
    for (const char* c = e.what(); *c; ++c) require(uint8_t(*c) >= 0x20);
  }
  return 0;
}
