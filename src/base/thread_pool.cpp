#include "base/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstdint>
#include <system_error>
#include <thread>
#include <tuple>
#include <vector>

#include "base/cpus.h"
#include "base/error.h"

namespace apr {
namespace {

constexpr int kSpinsBeforeSleep =
    1 << 15;  // about 0.3 ms of pause instructions: longer than any gap inside a forward pass
constexpr int kSpinsBeforeYield = 1 << 12;

inline void relax() { __builtin_ia32_pause(); }

void pin_this_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);  // may fail in a sandbox: then it runs unpinned
}

}  // namespace

struct ThreadPool::Impl {
  // The job of the current round. Written by the caller before `round` is raised, read by workers after they see it.
  Call call = nullptr;
  void* body = nullptr;
  int items = 0;

  /// Items that a worker has yet to begin. Its owner takes from the front, the others from the back.
  class alignas(64) Stretch {
   public:
    void set(int first, int end) { both_.store(pack(first, end), std::memory_order_relaxed); }
    int take_front() {
      return take([](int first, int end) { return std::tuple(first, first + 1, end); });
    }
    int take_back() {
      return take([](int first, int end) { return std::tuple(end - 1, first, end - 1); });
    }

   private:
    static uint64_t pack(int first, int end) { return uint64_t(uint32_t(first)) << 32 | uint32_t(end); }
    template <class Split>
    int take(Split split) {  // an item, or -1 when there is none
      uint64_t now = both_.load(std::memory_order_relaxed);
      for (;;) {
        const int first = int(now >> 32), end = int(now & 0xffffffff);
        if (first >= end) return -1;
        const auto [item, new_first, new_end] = split(first, end);
        if (both_.compare_exchange_weak(now, pack(new_first, new_end), std::memory_order_relaxed)) return item;
      }
    }
    std::atomic<uint64_t> both_{0};
  };

  explicit Impl(int n) : stretches(size_t(n)) {}
  std::vector<Stretch> stretches;
  alignas(64) std::atomic<uint32_t> round{0};
  alignas(64) std::atomic<int> working{0};  // workers that have not finished the round
  alignas(64) std::atomic<int> sleepers{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
  cpu_set_t callers_mask;
  bool pinned = false;

  void deal() {
    const int64_t n = int64_t(stretches.size());
    for (int64_t w = 0; w < n; ++w) stretches[size_t(w)].set(int(items * w / n), int(items * (w + 1) / n));
  }

  void work(int worker) {
    for (int item; (item = stretches[size_t(worker)].take_front()) >= 0;) call(body, item, worker);
    const size_t n = stretches.size();
    for (size_t i = 1; i < n; ++i) {
      Stretch& other = stretches[(size_t(worker) + i) % n];
      for (int item; (item = other.take_back()) >= 0;) call(body, item, worker);
    }
  }

  uint32_t wait_for_round_after(uint32_t seen) {
    for (int spin = 0; spin < kSpinsBeforeSleep; ++spin) {
      uint32_t now = round.load(std::memory_order_acquire);
      if (now != seen) return now;
      relax();
    }
    // The caller raises `round` and then looks at `sleepers`; we do it the other way round: one of us sees the other.
    sleepers.fetch_add(1);
    round.wait(seen);
    sleepers.fetch_sub(1);
    return round.load();
  }

  void serve(int worker) {
    for (uint32_t seen = 0;;) {
      seen = wait_for_round_after(seen);
      if (stop.load(std::memory_order_relaxed)) return;
      work(worker);
      working.fetch_sub(1, std::memory_order_release);
    }
  }

  void end() {
    stop = true;
    begin_round();
    for (std::thread& t : workers) t.join();
  }

  void begin_round() {
    round.fetch_add(1);
    if (sleepers.load() > 0) round.notify_all();
  }
};

ThreadPool::ThreadPool(int n) : size_(n), impl_(std::make_unique<Impl>(n)) {
  const std::vector<int>& cpus = process_cpus();
  impl_->pinned =
      n > 1 && int(cpus.size()) == n && sched_getaffinity(0, sizeof impl_->callers_mask, &impl_->callers_mask) == 0;
  try {
    for (int w = 1; w < n; ++w) {
      impl_->workers.emplace_back([this, w, cpu = impl_->pinned ? cpus[size_t(w)] : -1] {
        if (cpu >= 0) pin_this_thread(cpu);
        impl_->serve(w);
      });
    }
  } catch (const std::system_error& e) {
    const size_t got = impl_->workers.size() + 1;
    impl_->end();
    fail(ErrorCode::Memory, "threads: the system gave {} of {}: {}; ask for fewer (--threads)", got, n,
         e.code().message());
  }
  if (impl_->pinned) pin_this_thread(cpus[0]);
}

ThreadPool::~ThreadPool() {
  impl_->end();
  if (impl_->pinned) pthread_setaffinity_np(pthread_self(), sizeof impl_->callers_mask, &impl_->callers_mask);
}

void ThreadPool::run_erased(int n, Call call, void* body) {
  if (size_ == 1 || n <= 1) {
    for (int i = 0; i < n; ++i) call(body, i, 0);
    return;
  }
  Impl& p = *impl_;
  p.call = call;
  p.body = body;
  p.items = n;
  p.deal();
  p.working.store(size_ - 1, std::memory_order_relaxed);
  p.begin_round();
  p.work(0);
  for (int spin = 0; p.working.load(std::memory_order_acquire) != 0; ++spin) {
    spin < kSpinsBeforeYield ? relax() : std::this_thread::yield();
  }
}

}  // namespace apr
