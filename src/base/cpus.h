#pragma once
#include <filesystem>
#include <string_view>
#include <vector>

namespace apr {

/// Threads this process may use at once: the least of CPU affinity (cpuset) and cgroup quota (v1, v2), rounded up; at
/// least 1. errors none: what cannot be read does not limit
int usable_cpus();

/// The CPUs in this thread's affinity mask, ascending.
std::vector<int> affinity_cpus();

/// The same as it was when first asked for: a thread pool narrows the mask of the thread that makes it, which is no
/// limit of the process.
const std::vector<int>& process_cpus();

/// CPUs' worth of time that the cgroups named in `proc_self_cgroup` (the text of /proc/self/cgroup) and their parents
/// allow, read below `cgroup_root` (/sys/fs/cgroup); 0 = no limit. source  Linux
/// Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst (cfs_quota_us)
double cgroup_cpu_limit(std::string_view proc_self_cgroup, const std::filesystem::path& cgroup_root);

}  // namespace apr
