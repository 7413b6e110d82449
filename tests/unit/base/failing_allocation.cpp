#include "failing_allocation.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> counts = false;
std::atomic<bool> counts_callers_thread = false;
std::atomic<bool> goes_on = false;
std::atomic<long> left = 0;
thread_local bool is_callers_thread = false;

bool fails() {
  if (!counts || is_callers_thread != counts_callers_thread) return false;
  const long before = left.fetch_sub(1);
  return before == 1 || (before < 1 && goes_on);
}

}  // namespace

// What stands in for operator new owns memory as plain pointers, and takes it from malloc.
// NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
void* operator new(std::size_t size) {
  void* memory = fails() ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

namespace pubsub_mqtt::tests {

FailingAllocation::FailingAllocation(std::size_t n, FailIn threads, Fail how) {
  is_callers_thread = true;
  counts_callers_thread = threads == FailIn::this_thread;
  goes_on = how == Fail::from_then_on;
  left = static_cast<long>(n);
  counts = true;
}

FailingAllocation::~FailingAllocation() { counts = false; }

void FailingAllocation::pause() { counts = false; }
void FailingAllocation::go_on() { counts = true; }

bool FailingAllocation::has_failed() const { return left <= 0; }

}  // namespace pubsub_mqtt::tests
