// Which connections are let in: so many in all, so many from one address, and so many a second from one
// address. Time is passed in.
//
// Loopback is exempt from what counts by address: behind a proxy everybody comes from there. What is refused
// is logged as one burst a minute, not one by one.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "admission/address_rates.h"
#include "admission/remote_address.h"
#include "pubsub_mqtt/base/burst_warning.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/net/metrics.h"

namespace pubsub_mqtt::net {

class Admission {
 public:
  // Among the open connections: taken as long as this value is. It moves with its connection.
  class Place {
   public:
    Place(Admission& admission, const RemoteAddress& holder);
    // One that does not count by address.
    explicit Place(Admission& admission);
    Place(Place&& other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)), holder_(other.holder_) {}
    Place& operator=(Place&& other) noexcept;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { give_up(); }

    void give_up() noexcept;

   private:
    Admission* admission_;  // nullptr: given up
    AddressPrefix holder_;  // of loopback none: it does not count
  };

  // The references outlive this.
  Admission(const Limits& limits, std::vector<LogLine>& log);

  // nullopt: the connection is to be closed.
  std::optional<Place> admit(const RemoteAddress& from, Time now);
  // The same of a proxy, which counts for its clients only.
  std::optional<Place> admit_proxy(Time now);
  // The same of the client of a proxy that has a place already, which is given up then.
  std::optional<Place> admit_client(const RemoteAddress& from, Time now);

  const Arrivals& arrivals() const { return arrivals_; }
  // Listeners have closed one without asking.
  void had_no_descriptor() { ++arrivals_.no_descriptor; }

  // Says what was refused, and forgets what need not be remembered.
  void expire(Time now);

 private:
  bool is_free(Time now);
  bool is_free(const RemoteAddress& from, Time now);

  const Limits& limits_;
  AddressRates rates_;
  std::size_t connections_ = 0;
  Arrivals arrivals_;
  std::map<AddressPrefix, std::size_t> by_address_;  // those with connections
  BurstWarning too_many_;
  BurstWarning too_many_of_address_;
  BurstWarning too_fast_;
};

}  // namespace pubsub_mqtt::net
