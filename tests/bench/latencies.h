// How long messages took: a histogram, exact to three per cent, in the same few kilobytes for any number of
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace pubsub_mqtt::bench {

class Latencies {
 public:
  void add(std::uint64_t nanoseconds);

  std::uint64_t count() const { return count_; }
  // Nanoseconds; share is between 0 and 1. 0 where there are none.
  std::uint64_t percentile(double share) const;
  std::uint64_t max() const { return max_; }

 private:
  std::array<std::uint64_t, 2048> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace pubsub_mqtt::bench
