// The end of a load: what was sent has to arrive.
#pragma once

#include <cstdint>

#include "event_loop.h"
#include "monotonic_time.h"

namespace pubsub_mqtt::bench {

// Turns until `arrived()` has reached `expected`, or nothing came for five seconds. Returns when the last
// came.
template <typename Arrived>
std::uint64_t wait_for_arrivals(EventLoop& loop, std::uint64_t expected, Arrived arrived) {
  std::uint64_t count = arrived();
  std::uint64_t last_arrival = monotonic_time();
  while (count < expected && monotonic_time() < last_arrival + nanoseconds(5)) {
    loop.turn(std::chrono::milliseconds(1));
    const std::uint64_t count_now = arrived();
    if (count_now > count) last_arrival = monotonic_time();
    count = count_now;
  }
  return last_arrival;
}

}  // namespace pubsub_mqtt::bench
