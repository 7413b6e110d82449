#include "pubsub_mqtt/session/token_bucket.h"

#include <algorithm>

namespace pubsub_mqtt::session {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds capacity = std::chrono::seconds(1);
// A pause shorter than this would cost more system calls than it saves.
constexpr nanoseconds worth_going_on = capacity / 10;

}  // namespace

void TokenBucket::take(std::size_t tokens, std::size_t rate, Time now) {
  const auto a_second = static_cast<std::size_t>(capacity.count());
  const std::size_t cost = (tokens * a_second + rate - 1) / rate;  // rounded up: no more than `rate` are free
  full_at_ = std::max(full_at_, nanoseconds(now)) + nanoseconds(cost);
}

bool TokenBucket::is_empty(Time now) const { return full_at_ >= now + capacity; }

Time TokenBucket::refilled_at() const {
  return std::chrono::ceil<Time>(full_at_ - capacity + worth_going_on);
}

}  // namespace pubsub_mqtt::session
