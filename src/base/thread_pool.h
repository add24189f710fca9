#pragma once
#include <memory>
#include <type_traits>

namespace apr {

/// A fixed team that runs the items of a loop; the caller is worker 0.
///
/// Each worker begins with its own stretch of the items, in order, so that what lies together in memory is mostly read
/// by one core; who runs out takes from the end of another's. So who runs what varies: a result must never depend on
/// it. Workers spin for a short while between loops, since a forward pass has hundreds of them, and then sleep. When
/// the team is as large as the process's CPU set, each thread (the caller too, while the pool lives) keeps to one CPU;
/// a smaller team is left to the scheduler, so that two small processes do not sit on the same core.
///
/// errors  Memory when the system refuses a thread
/// threads one caller at a time, the one that made the pool; items must not throw
class ThreadPool {
 public:
  /// n threads in all, the caller counted in. needs: n >= 1
  explicit ThreadPool(int n);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  int size() const { return size_; }

  /// Calls body(item, worker) for each item in 0 … n-1, worker in 0 … size()-1, and returns when all are done.
  template <class Body>
  void run(int n, Body&& body) {
    using B = std::remove_reference_t<Body>;
    run_erased(
        n, [](void* b, int item, int worker) { (*static_cast<B*>(b))(item, worker); }, &body);
  }

 private:
  using Call = void (*)(void*, int item, int worker);
  void run_erased(int n, Call call, void* body);
  struct Impl;
  int size_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace apr
