#include "base/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace apr {
namespace {

constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();

/// The number after `key` in a file of "key number" lines.
uint64_t field(const std::string& path, const std::string& key) {
  std::ifstream in(path);
  for (std::string word; in >> word;) {
    if (word == key) {
      uint64_t value = 0;
      return in >> value ? value : kUnknown;
    }
  }
  return kUnknown;
}

uint64_t number(const std::string& path) {
  std::ifstream in(path);
  uint64_t value = 0;
  return in >> value ? value : kUnknown;  // "max" is no number: no limit
}

/// The tightest memory.max on the way from this process's cgroup (v2) to the root, and what it leaves.
struct Cgroup {
  uint64_t limit = kUnknown, left = kUnknown;
};
Cgroup cgroup() {
  Cgroup tightest;
  std::ifstream in("/proc/self/cgroup");
  std::string line, group;
  while (std::getline(in, line)) {
    if (line.rfind("0::", 0) == 0) group = line.substr(3);
  }
  // Up to the root, which is where a container's own limit stands; a real root has no such files.
  for (bool more = true; more; group = group.substr(0, group.find_last_of('/'))) {
    more = group.size() > 1;
    const std::string folder = "/sys/fs/cgroup" + (more ? group : "");
    const uint64_t limit = number(folder + "/memory.max"), used = number(folder + "/memory.current");
    if (limit == kUnknown || used == kUnknown) continue;
    const uint64_t cache = field(folder + "/memory.stat", "inactive_file");  // given back when memory is wanted
    const uint64_t held = cache == kUnknown ? used : used - std::min(used, cache);
    const uint64_t left = limit - std::min(limit, held);
    tightest.limit = std::min(tightest.limit, limit);
    tightest.left = std::min(tightest.left, left);
  }
  return tightest;
}

uint64_t meminfo(const char* key) {
  const uint64_t kib = field("/proc/meminfo", key);
  return kib == kUnknown ? kUnknown : kib << 10;
}

}  // namespace

uint64_t available_memory() { return std::min(meminfo("MemAvailable:"), cgroup().left); }
uint64_t total_memory() { return std::min(meminfo("MemTotal:"), cgroup().limit); }

}  // namespace apr
