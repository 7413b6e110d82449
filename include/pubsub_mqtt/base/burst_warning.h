// A warning that clients can cause as often as they like: a line when it happens first, and when the interval
// is over a line that says how often it did. Time is passed in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/base/time.h"

namespace pubsub_mqtt {

class BurstWarning {
 public:
  // `total` ends the line with the count: "MQTT connections were refused". `log` outlives this.
  BurstWarning(Time interval, std::string total, std::vector<LogLine>& log, LogLevel level = LogLevel::warn)
      : interval_(interval), total_(std::move(total)), log_(log), level_(level) {}

  // It happens. `line` is called for the text if it is the first time in this interval; else false, and
  // nothing is said.
  template <typename Line>
  bool happens(Time now, Line&& line) {
    expire(now);
    ++count_;
    if (since_) return false;
    since_ = now;
    log_.emplace_back(LogLine{.level = level_, .text = line()});
    return true;
  }

  // Ends the interval, if it is over.
  void expire(Time now) {
    if (!since_ || now < *since_ + interval_) return;
    if (count_ > 1) {
      log_.emplace_back(LogLine{.level = level_, .text = std::to_string(count_) + ' ' + total_});
    }
    since_.reset();
    count_ = 0;
  }

 private:
  Time interval_;
  std::string total_;
  std::vector<LogLine>& log_;
  LogLevel level_;
  std::optional<Time> since_;
  std::size_t count_ = 0;
};

}  // namespace pubsub_mqtt
