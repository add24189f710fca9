#include "base/cpus.h"

#include <fmt/format.h>

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace apr {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

double positive_ratio(const std::string& quota, const std::string& period) {
  char* end = nullptr;
  double q = std::strtod(quota.c_str(), &end);
  if (end == quota.c_str() || q <= 0) return 0;  // "max" or -1: no limit
  double p = std::strtod(period.c_str(), &end);
  return p > 0 ? q / p : 0;
}

/// The limit that one cgroup folder states itself; 0 = none.
double limit_of(const fs::path& folder, bool v2) {
  if (!v2) return positive_ratio(first_line(folder / "cpu.cfs_quota_us"), first_line(folder / "cpu.cfs_period_us"));
  std::istringstream fields(first_line(folder / "cpu.max"));
  std::string quota, period = "100000";
  fields >> quota >> period;
  return positive_ratio(quota, period);
}

/// The tightest limit from `root`/`group` up to `root` itself.
double limit_on_path(const fs::path& root, std::string group, bool v2) {
  double least = 0;
  for (;;) {
    double limit = limit_of(root / fs::path(group).relative_path(), v2);
    if (limit > 0 && (least == 0 || limit < least)) least = limit;
    if (group.empty() || group == "/") return least;
    group = fs::path(group).parent_path().string();
  }
}

}  // namespace

double cgroup_cpu_limit(std::string_view proc_self_cgroup, const fs::path& cgroup_root) {
  double least = 0;
  std::istringstream lines{std::string(proc_self_cgroup)};
  for (std::string line; std::getline(lines, line);) {  // "hierarchy:controllers:path"
    size_t a = line.find(':'), b = a == std::string::npos ? a : line.find(':', a + 1);
    if (b == std::string::npos) continue;
    const std::string controllers = fmt::format(",{},", line.substr(a + 1, b - a - 1)), group = line.substr(b + 1);
    if (group.size() > 4096 || group.find("..") != std::string::npos) continue;
    double limit = 0;
    if (controllers == ",,") {
      limit = limit_on_path(cgroup_root, group, true);
    } else if (controllers.find(",cpu,") != std::string::npos) {
      limit = limit_on_path(cgroup_root / controllers.substr(1, controllers.size() - 2), group, false);
    }
    if (limit > 0 && (least == 0 || limit < least)) least = limit;
  }
  return least;
}

std::vector<int> affinity_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;  // more than 1,024 CPUs: treated as no limit
  for (int c = 0; c < CPU_SETSIZE; ++c) {
    if (CPU_ISSET(c, &set)) cpus.push_back(c);
  }
  return cpus;
}

const std::vector<int>& process_cpus() {
  static const std::vector<int> at_first = affinity_cpus();
  return at_first;
}

int usable_cpus() {
  int n = int(process_cpus().size());
  if (n == 0) n = std::max(1, int(std::thread::hardware_concurrency()));
  std::ifstream in("/proc/self/cgroup");
  std::stringstream text;
  text << in.rdbuf();
  double limit = cgroup_cpu_limit(text.str(), "/sys/fs/cgroup");
  if (limit > 0) n = int(std::clamp(std::ceil(limit), 1.0, double(n)));  // as doubles: a limit may exceed any int
  return n;
}

}  // namespace apr
