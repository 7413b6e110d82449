// A token bucket: so many tokens a second, and so many at once after a rest. The bucket is kept as the one
// moment when it will be full again (as GCRA, ITU-T I.371, does), so that a bucket is eight bytes. Values;
// time is passed in.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "pubsub_mqtt/base/time.h"

namespace pubsub_mqtt {

// How fast tokens come, which many buckets share.
class TokenRate {
 public:
  // `fill_time`: how long an empty bucket takes to be full, which says how many tokens it holds.
  TokenRate(std::size_t tokens_a_second, std::chrono::nanoseconds fill_time)
      : tokens_a_second_(tokens_a_second), fill_time_(fill_time) {}

  // From one token to the next; rounded down, so that a full bucket holds all that it should.
  std::chrono::nanoseconds interval() const {
    return std::chrono::nanoseconds(std::chrono::seconds(1)) / tokens_a_second_;
  }
  // Of many tokens; rounded up, so that no more than `tokens_a_second` come in a second. `tokens` below 2^34.
  std::chrono::nanoseconds time_of(std::size_t tokens) const {
    constexpr std::size_t second = std::chrono::nanoseconds(std::chrono::seconds(1)).count();
    return std::chrono::nanoseconds((tokens * second + tokens_a_second_ - 1) / tokens_a_second_);
  }
  std::chrono::nanoseconds fill_time() const { return fill_time_; }

 private:
  std::size_t tokens_a_second_;
  std::chrono::nanoseconds fill_time_;
};

class TokenBucket {
 public:
  // Takes a token, if there is one.
  bool take(const TokenRate& rate, Time now) {
    if (next(rate) > now) return false;
    full_at_ = std::max<std::chrono::nanoseconds>(full_at_, now) + rate.interval();
    return true;
  }

  // Takes tokens whether they are there or not: what is missing is a debt, to be waited out.
  void spend(std::size_t tokens, const TokenRate& rate, Time now) {
    full_at_ = std::max<std::chrono::nanoseconds>(full_at_, now) + rate.time_of(tokens);
  }

  // The token taken last was not needed.
  void give_back(const TokenRate& rate) { full_at_ -= rate.interval(); }

  // Nothing is left, or there is a debt.
  bool is_empty(const TokenRate& rate, Time now) const { return full_at_ >= now + rate.fill_time(); }

  // When there will be a token, or was.
  std::chrono::nanoseconds next(const TokenRate& rate) const {
    return full_at_ + rate.interval() - rate.fill_time();
  }

  // When a tenth of what the bucket holds will be there, or was: a shorter pause than until then is not worth
  // its system calls.
  Time worth_going_on(const TokenRate& rate) const {
    return std::chrono::ceil<Time>(full_at_ - rate.fill_time() + rate.fill_time() / 10);
  }

 private:
  std::chrono::nanoseconds full_at_{0};
};

}  // namespace pubsub_mqtt
