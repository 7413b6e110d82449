#include "allocated_bytes.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// Other tests of the same program have threads.
std::atomic<std::size_t> allocated = 0;
std::atomic<std::size_t> peak = 0;

// What stands in for operator new owns memory as plain pointers, and takes it from malloc.
// NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
void forget(void* memory) noexcept {
  allocated -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  const std::size_t now = allocated += malloc_usable_size(memory);
  if (now > peak) peak = now;
  return memory;
}

void operator delete(void* memory) noexcept { forget(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { forget(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

namespace pubsub_mqtt {

std::size_t allocated_bytes() { return allocated; }

std::size_t peak_of_allocated_bytes() { return peak; }

void forget_peak() { peak = allocated.load(); }

}  // namespace pubsub_mqtt
