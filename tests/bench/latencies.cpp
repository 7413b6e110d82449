#include "latencies.h"

#include <algorithm>
#include <bit>

namespace pubsub_mqtt::bench {
namespace {

// Numbers below 64 have a bucket each; beyond, each power of two is divided into 32.
std::size_t bucket_of(std::uint64_t value) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - 6);
  return static_cast<std::size_t>(shift) * 32 + static_cast<std::size_t>(value >> shift);
}

std::uint64_t end_of(std::size_t bucket) {
  if (bucket < 64) return bucket;
  const std::size_t shift = bucket / 32 - 1;
  return ((std::uint64_t{bucket % 32} + 33) << shift) - 1;
}

}  // namespace

void Latencies::add(std::uint64_t nanoseconds) {
  ++buckets_[std::min(bucket_of(nanoseconds), buckets_.size() - 1)];
  ++count_;
  max_ = std::max(max_, nanoseconds);
}

std::uint64_t Latencies::percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
  std::uint64_t passed = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    passed += buckets_[bucket];
    if (passed > wanted) return std::min(end_of(bucket), max_);
  }
  return max_;
}

}  // namespace pubsub_mqtt::bench
