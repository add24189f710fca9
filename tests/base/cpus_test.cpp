// Limits are read from made-up cgroup trees; the files are named as the kernel names them.
#include "base/cpus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "gguf/temp_dir.h"

namespace apr {
namespace {

namespace fs = std::filesystem;

class Cgroups : public testing::Test {
 protected:
  void write(const std::string& file, const std::string& text) {
    const fs::path path = root_ / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void write_v1(const std::string& folder, const std::string& quota, const std::string& period) {
    write(folder + "/cpu.cfs_quota_us", quota + "\n");
    write(folder + "/cpu.cfs_period_us", period + "\n");
  }
  double limit(std::string_view proc_self_cgroup) { return cgroup_cpu_limit(proc_self_cgroup, root_ / "."); }

 private:
  test::TempDir root_;
};

TEST_F(Cgroups, Version2Quota) {
  write("app/cpu.max", "150000 100000\n");
  EXPECT_EQ(limit("0::/app\n"), 1.5);
}

TEST_F(Cgroups, Version2PeriodDefaultsToATenthOfASecond) {
  write("app/cpu.max", "400000\n");
  EXPECT_EQ(limit("0::/app\n"), 4.0);
}

TEST_F(Cgroups, Version2MaxIsNoLimit) {
  write("app/cpu.max", "max 100000\n");
  EXPECT_EQ(limit("0::/app\n"), 0.0);
}

TEST_F(Cgroups, AParentMayBeTighterThanItsChild) {
  write("a/cpu.max", "50000 100000\n");
  write("a/b/cpu.max", "max 100000\n");
  write("a/b/c/cpu.max", "300000 100000\n");
  EXPECT_EQ(limit("0::/a/b/c\n"), 0.5);
  write("a/b/c/cpu.max", "25000 100000\n");
  EXPECT_EQ(limit("0::/a/b/c\n"), 0.25);
}

TEST_F(Cgroups, TheRootCounts) {  // inside a container the own group often is "/"
  write("cpu.max", "200000 100000\n");
  EXPECT_EQ(limit("0::/\n"), 2.0);
  EXPECT_EQ(limit("0::/not/mounted\n"), 2.0);
}

TEST_F(Cgroups, Version1Quota) {
  write_v1("cpu,cpuacct/app", "250000", "100000");
  EXPECT_EQ(limit("4:cpu,cpuacct:/app\n"), 2.5);
}

TEST_F(Cgroups, Version1MinusOneIsNoLimit) {
  write_v1("cpu/app", "-1", "100000");
  EXPECT_EQ(limit("4:cpu:/app\n"), 0.0);
}

TEST_F(Cgroups, Version1NestedLimits) {
  write_v1("cpu", "-1", "100000");
  write_v1("cpu/a", "70000", "50000");
  write_v1("cpu/a/b", "90000", "50000");
  EXPECT_EQ(limit("4:cpu:/a/b\n"), 1.4);
}

TEST_F(Cgroups, OtherVersion1ControllersDoNotCount) {
  write_v1("cpuset/app", "100000", "100000");
  write_v1("memory/app", "100000", "100000");
  EXPECT_EQ(limit("2:cpuset:/app\n3:memory:/app\n"), 0.0);
}

TEST_F(Cgroups, TheTightestOfSeveralHierarchiesWins) {
  write_v1("cpu/app", "300000", "100000");
  write("app/cpu.max", "200000 100000\n");
  EXPECT_EQ(limit("4:cpu:/app\n0::/app\n"), 2.0);
  write_v1("cpu/app", "100000", "100000");
  EXPECT_EQ(limit("4:cpu:/app\n0::/app\n"), 1.0);
}

TEST_F(Cgroups, MissingFilesDoNotLimit) {
  EXPECT_EQ(limit("0::/app\n4:cpu:/app\n"), 0.0);
  EXPECT_EQ(limit(""), 0.0);
  EXPECT_EQ(cgroup_cpu_limit("0::/app\n", "/no/such/folder"), 0.0);
}

TEST_F(Cgroups, GarbageDoesNotLimit) {
  write("app/cpu.max", "lots of it\n");
  EXPECT_EQ(limit("0::/app\n"), 0.0);
  for (const char* text :
       {"", "\n", "0 100000\n", "-5 100000\n", "100000 0\n", "100000 -1\n", "100000 soon\n", "nan 1\n"}) {
    write("app/cpu.max", text);
    EXPECT_EQ(limit("0::/app\n"), 0.0) << text;
  }
  for (const char* line : {"no colons", "1:one", ":::", "0:", "\n\n\n", "0::", "::"})
    EXPECT_EQ(limit(line), 0.0) << line;
}

TEST_F(Cgroups, PathsThatLeaveTheTreeAreIgnored) {
  write("cpu.max", "100000 100000\n");
  EXPECT_EQ(limit("0::/../../etc\n"), 0.0);
  EXPECT_EQ(limit("0::/" + std::string(5000, 'x') + "\n"), 0.0);
}

TEST(UsableCpus, IsAtLeastOneAndWithinTheAffinityMask) {
  const std::vector<int> cpus = affinity_cpus();
  EXPECT_TRUE(std::is_sorted(cpus.begin(), cpus.end()));
  EXPECT_GE(usable_cpus(), 1);
  if (!cpus.empty()) {
    EXPECT_LE(usable_cpus(), int(cpus.size()));
  }
}

}  // namespace
}  // namespace apr
