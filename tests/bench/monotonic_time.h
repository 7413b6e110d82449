// The clock of every figure.
#pragma once

#include <chrono>
#include <cstdint>

namespace pubsub_mqtt::bench {

// Nanoseconds.
inline std::uint64_t monotonic_time() {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

inline constexpr std::uint64_t nanoseconds(double seconds) {
  return static_cast<std::uint64_t>(seconds * 1e9);
}
inline constexpr double seconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

}  // namespace pubsub_mqtt::bench
