// Has allocations fail: the n-th that operator new is asked for, or all from it on. Links with
// failing_allocation.cpp, which replaces it.
#pragma once

#include <cstddef>

namespace pubsub_mqtt::tests {

enum class FailIn { this_thread, other_threads };
enum class Fail { once, from_then_on };

class FailingAllocation {
 public:
  // Counts from 1, and from now on. One at a time.
  FailingAllocation(std::size_t n, FailIn threads, Fail how = Fail::once);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  // What is allocated in between does not count.
  void pause();
  void go_on();

  // Whether there were so many.
  bool has_failed() const;
};

}  // namespace pubsub_mqtt::tests
