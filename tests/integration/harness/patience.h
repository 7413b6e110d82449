// How long a test waits for an event before it fails. Nobody waits this long when all is well.
#pragma once

#include <chrono>
#include <stdexcept>

namespace pubsub_mqtt::tests {

using Clock = std::chrono::steady_clock;

inline constexpr std::chrono::seconds patience{20};

inline Clock::time_point deadline() { return Clock::now() + patience; }

// Never less than 0, as poll(2) wants it.
inline int milliseconds_until(Clock::time_point when) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

// What was waited for did not happen. GoogleTest reports it as the test's failure.
struct TimedOut : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace pubsub_mqtt::tests
