// How much memory a file can make the loader take. This program replaces operator new, so it stands alone.
//
// The bound: what the loader holds at once is at most kPerByte bytes for each byte of the file (the copy that parse()
// makes included), and kFixed for an error's sentence. The worst file is one of short pairs, 14 bytes each: a pair
// costs an Entry (88 bytes, three times that while the vector grows) and a node of the key index (72, and 16 for
// malloc): 352 / 14 is 26, and 1 for the copy.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "base/error.h"
#include "gguf/broken_files.h"
#include "gguf/file.h"

namespace {
std::atomic<size_t> held{0}, peak{0};

void* count_in(void* p) {
  if (!p) throw std::bad_alloc();
  const size_t now = held += malloc_usable_size(p);
  size_t seen = peak;
  while (seen < now && !peak.compare_exchange_weak(seen, now)) {
  }
  return p;
}
void count_out(void* p) {
  if (p) held -= malloc_usable_size(p);
  std::free(p);
}
}  // namespace

void* operator new(size_t n) { return count_in(std::malloc(n ? n : 1)); }
void* operator new(size_t n, std::align_val_t a) {
  return count_in(std::aligned_alloc(size_t(a), (n / size_t(a) + 1) * size_t(a)));
}
void operator delete(void* p) noexcept { count_out(p); }
void operator delete(void* p, size_t) noexcept { count_out(p); }
void operator delete(void* p, std::align_val_t) noexcept { count_out(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { count_out(p); }

namespace apr::gguf {
namespace {

constexpr size_t kPerByte = 32, kFixed = 16 << 10;

/// The most that was held while parsing, above what was held before.
size_t peak_of_parsing(const test::Bytes& bytes) {
  const size_t before = held;
  peak = before;
  try {
    File::parse(bytes);
  } catch (const Error&) {
    // refused is as good: only memory counts here
  }
  EXPECT_EQ(held, before) << "something leaked";
  return peak - before;
}

TEST(Allocation, HostileFilesCostLittle) {
  for (const auto& file : test::broken_files()) {
    EXPECT_LE(peak_of_parsing(file.bytes), kPerByte * file.bytes.size() + kFixed) << file.name;
  }
}

TEST(Allocation, TheDensestFilesStayInTheBound) {
  using V = ValueType;
  constexpr size_t kItems = 100'000;
  const auto array_of_zeros = [&](V element, size_t bytes_each) {
    test::Bytes file = test::one_array(element, kItems);
    file.resize(file.size() + kItems * bytes_each);
    return file;
  };
  test::GgufWriter pairs, tensors;
  for (size_t i = 0; i < kItems / 10; ++i) {
    const char key[] = {char(1 + i % 100), char(1 + i / 100 % 100), char(1 + i / 10'000), 0};
    pairs.add<uint8_t>(key, 0);
    tensors.raw_tensor({key, {1}, 0, test::Bytes(4)});
  }
  const std::pair<const char*, test::Bytes> files[] = {
      {"bytes", array_of_zeros(V::U8, 1)},
      {"empty strings", array_of_zeros(V::String, 8)},
      {"empty arrays", array_of_zeros(V::Array, 12)},
      {"bools", array_of_zeros(V::Bool, 1)},
      {"short pairs", pairs.bytes()},
      {"small tensors", tensors.bytes()},
  };
  for (const auto& [name, bytes] : files) {
    EXPECT_NO_THROW(File::parse(bytes)) << name;
    EXPECT_LE(peak_of_parsing(bytes), kPerByte * bytes.size() + kFixed) << name;
  }
}

TEST(Allocation, TheCounterCounts) {
  const size_t before = held;
  void* block = ::operator new(size_t(1) << 20);  // called by name: a new-expression could be optimised away
  EXPECT_GE(held - before, size_t(1) << 20);
  ::operator delete(block);
  EXPECT_EQ(held, before);
}

}  // namespace
}  // namespace apr::gguf
