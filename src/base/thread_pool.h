#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace apr {

/// Threads this process may use at once: the least of hardware threads, CPU affinity (cpuset) and cgroup quota (v1, v2), rounded up; >= 1.
int usable_cpus();

/// A fixed team that runs a loop's items; the caller is worker 0.
///
/// Items are handed out in order, so who runs what may vary: a result must never depend on it.
/// Workers spin for a short while between loops, then sleep.
///
/// errors  std::system_error when a thread cannot be started
/// threads one caller at a time; items must not throw
class ThreadPool {
 public:
  /// n threads in all, the caller counted in; pinned to CPUs of the process's affinity mask when `pin` and n fits in it.
  explicit ThreadPool(int n, bool pin = true);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  int size() const { return size_; }

  /// Calls body(item, worker) for each item in 0 … n-1 and returns when all are done.
  template <class Body>
  void run(int n, Body&& body) {
    run_erased(n, [](void* b, int item, int worker) { (*static_cast<std::remove_reference_t<Body>*>(b))(item, worker); }, &body);
  }

 private:
  using Call = void (*)(void*, int item, int worker);
  void run_erased(int n, Call call, void* body);
  struct Impl;
  int size_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace apr
