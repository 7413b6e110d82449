// So many a second, and so many at once after a rest: a token bucket. Kept as the one moment when it will be
// full again (as GCRA, ITU-T I.371, does), so that many of them need little memory. Time is passed in.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "pubsub_mqtt/session/limits.h"

namespace pubsub_mqtt::net {

struct TokenRate {
  TokenRate(std::size_t a_second, std::chrono::nanoseconds saved)
      : interval(std::chrono::nanoseconds(std::chrono::seconds(1)) / a_second), fill_time(saved) {}

  std::chrono::nanoseconds interval;   // from one token to the next
  std::chrono::nanoseconds fill_time;  // of an empty bucket
};

class TokenBucket {
 public:
  bool take(const TokenRate& rate, session::Time now) {
    if (next(rate) > now) return false;
    full_at_ = std::max<std::chrono::nanoseconds>(full_at_, now) + rate.interval;
    return true;
  }

  // The one taken last was not needed.
  void give_back(const TokenRate& rate) { full_at_ -= rate.interval; }

  // When there will be a token, or was.
  std::chrono::nanoseconds next(const TokenRate& rate) const {
    return full_at_ + rate.interval - rate.fill_time;
  }

 private:
  std::chrono::nanoseconds full_at_{0};
};

}  // namespace pubsub_mqtt::net
