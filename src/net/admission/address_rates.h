// How fast connections come from each address: a token bucket for each of those that came lately. Time is
// passed in.
//
// Memory is bounded. An address whose bucket is full needs no bucket, and that is so ten seconds after its
// last attempt, at the latest. Beyond max_remembered the addresses that came longest ago are forgotten early:
// who commands more addresses than that is stopped by mqtt_max_connections only.
#pragma once

#include <cstddef>
#include <map>

#include "admission/remote_address.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/base/token_bucket.h"

namespace pubsub_mqtt::net {

class AddressRates {
 public:
  static constexpr std::size_t max_remembered = 32768;

  explicit AddressRates(std::size_t a_second);

  void set_rate(std::size_t a_second);

  // False: too fast.
  bool take(const AddressPrefix& from, Time now);

  void expire(Time now);

  std::size_t remembered() const { return recent_.size() + older_.size(); }

 private:
  void turn_over(Time now);

  // No hash tables: who chooses the address would choose the place in them.
  using Buckets = std::map<AddressPrefix, TokenBucket>;

  TokenRate rate_;
  Buckets recent_;  // of those that came since turned_over_
  Buckets older_;   // of those that came in the ten seconds before it, and not since
  Time turned_over_{0};
};

}  // namespace pubsub_mqtt::net
