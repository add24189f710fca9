#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/cpus.h"

namespace apr {
namespace {

class ThreadPoolOf : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolOf, testing::Values(1, 2, 3, 4, 5));

/// Runs n items and counts, without atomics: a race between the items and the caller shows under the thread sanitizer.
void expect_each_item_once(ThreadPool& pool, int n) {
  std::vector<int> times(size_t(n), 0), worker_of(size_t(n), -1);
  pool.run(n, [&](int item, int worker) {
    ++times[size_t(item)];
    worker_of[size_t(item)] = worker;
  });
  for (int i = 0; i < n; ++i) {
    ASSERT_EQ(times[size_t(i)], 1) << "item " << i << " of " << n;
    ASSERT_GE(worker_of[size_t(i)], 0);
    ASSERT_LT(worker_of[size_t(i)], pool.size());
  }
}

TEST_P(ThreadPoolOf, RunsEachItemOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.size(), GetParam());
  for (int n : {0, 1, 2, 3, 4, 5, 6, 7, 16, 100, 1000}) expect_each_item_once(pool, n);
}

TEST_P(ThreadPoolOf, RunsManyRounds) {
  ThreadPool pool(GetParam());
  std::vector<int> sum(size_t(GetParam()), 0);  // one counter per worker: two at once would race
  constexpr int rounds = 500, items = 7;
  for (int round = 0; round < rounds; ++round) {
    pool.run(items, [&](int, int worker) { ++sum[size_t(worker)]; });
  }
  int total = 0;
  for (int s : sum) total += s;
  EXPECT_EQ(total, rounds * items);
}

TEST_P(ThreadPoolOf, WhatOneRoundWritesTheNextReads) {
  ThreadPool pool(GetParam());
  constexpr int n = 64;
  std::vector<int> from(n, 1), to(n, 0);
  for (int round = 0; round < 200; ++round) {
    pool.run(n, [&](int i, int) { to[size_t(i)] = from[size_t((i + 13) % n)] + 1; });
    std::swap(from, to);
  }
  for (int value : from) ASSERT_EQ(value, 201);
}

// The first item of a worker waits for all others, those of its own stretch too: it ends only if others take these.
TEST_P(ThreadPoolOf, WhatAWorkerCannotGetToOthersTake) {
  if (GetParam() == 1) GTEST_SKIP() << "one thread has nobody to help it";
  ThreadPool pool(GetParam());
  constexpr int n = 64;
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> done{0};
    pool.run(n, [&](int item, int) {
      while (item == 0 && done.load() < n - 1) std::this_thread::yield();
      ++done;
    });
    ASSERT_EQ(done.load(), n);
  }
}

/// Waits, without a clock, for longer than workers spin: their spins cost this many pauses, ours cost more.
void outlast_the_spinning() {
  for (int i = 0; i < 1 << 18; ++i) __builtin_ia32_pause();
  for (int i = 0; i < 64; ++i) std::this_thread::yield();
}

TEST_P(ThreadPoolOf, WakesAfterSleeping) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 20; ++round) {
    outlast_the_spinning();
    expect_each_item_once(pool, 17);
  }
}

TEST_P(ThreadPoolOf, EndsWithoutEverRunning) { ThreadPool pool(GetParam()); }

TEST_P(ThreadPoolOf, EndsWhileItsWorkersSleep) {
  ThreadPool pool(GetParam());
  expect_each_item_once(pool, 3);
  outlast_the_spinning();
}

TEST_P(ThreadPoolOf, WorkersTakePart) {  // each item waits until all workers have one
  ThreadPool pool(GetParam());
  std::atomic<int> inside{0};
  pool.run(pool.size(), [&](int, int) {
    ++inside;
    while (inside.load() < pool.size()) std::this_thread::yield();
  });
  EXPECT_EQ(inside.load(), pool.size());
}

TEST(ThreadPool, PoolsOfSeveralSizesLiveSideBySide) {
  ThreadPool three(3), one(1), two(2);
  for (int round = 0; round < 50; ++round) {
    for (ThreadPool* pool : {&one, &two, &three}) expect_each_item_once(*pool, 10);
  }
}

TEST(ThreadPool, APoolMayRunInsideAnItemOfAnother) {
  ThreadPool outer(2);
  std::atomic<int> total{0};
  outer.run(3, [&](int, int) {
    ThreadPool inner(2);
    inner.run(5, [&](int, int) { ++total; });
  });
  EXPECT_EQ(total.load(), 15);
}

TEST(ThreadPool, GivesTheCallersAffinityBack) {
  const std::vector<int> before = affinity_cpus();
  {
    ThreadPool pool(before.empty() ? 2 : int(before.size()));
    expect_each_item_once(pool, 5);
  }
  EXPECT_EQ(affinity_cpus(), before);
}

TEST(ThreadPool, PinsTheCallerOnlyWhenItFillsTheCpus) {
  const int cpus = int(affinity_cpus().size());
  if (cpus < 2) GTEST_SKIP() << "one CPU: nothing to pin";
  {
    ThreadPool all(cpus);
    EXPECT_EQ(affinity_cpus().size(), 1u);
  }
  ThreadPool more(cpus + 1);
  EXPECT_EQ(int(affinity_cpus().size()), cpus);
}

}  // namespace
}  // namespace apr
