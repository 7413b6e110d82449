// A warning that clients can cause as often as they like: a line when it happens first, and when the interval
// is over a line that says how often it did. Time is passed in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pubsub_mqtt/requests.h"
#include "pubsub_mqtt/session/limits.h"

namespace pubsub_mqtt::net {

class BurstWarning {
 public:
  // `total` ends the line with the count: "MQTT connections were refused". `log` outlives this.
  BurstWarning(session::Time interval, std::string total, std::vector<Request>& log)
      : interval_(interval), total_(std::move(total)), log_(log) {}

  // It happens. `line` is called for the text if it is the first time in this interval.
  template <typename Line>
  void happens(session::Time now, Line&& line) {
    expire(now);
    ++count_;
    if (since_) return;
    since_ = now;
    log_.emplace_back(LogLine{.level = LogLevel::warn, .text = line()});
  }

  // Ends the interval, if it is over.
  void expire(session::Time now) {
    if (!since_ || now < *since_ + interval_) return;
    if (count_ > 1) {
      log_.emplace_back(LogLine{.level = LogLevel::warn, .text = std::to_string(count_) + ' ' + total_});
    }
    since_.reset();
    count_ = 0;
  }

 private:
  session::Time interval_;
  std::string total_;
  std::vector<Request>& log_;
  std::optional<session::Time> since_;
  std::size_t count_ = 0;
};

}  // namespace pubsub_mqtt::net
