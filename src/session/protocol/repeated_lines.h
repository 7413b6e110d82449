// What the log says of clients that can be the cause of a line as often as they like: once for a client and cause, and
// of a cause not more than some lines a minute. Those left out are logged at debug level, and counted. Network thread
// only.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/base/once_per_client.h"
#include "pubsub_mqtt/base/time.h"

namespace pubsub_mqtt::session {

class RepeatedLines {
 public:
  // `log` outlives this.
  explicit RepeatedLines(std::vector<LogLine>& log) : log_(log) {}

  // `client` is printable: see client_name(). `cause` is one of a few texts, and ends the line; what differs from line
  // to line goes `before` it.
  void log(LogLevel level, const std::string& client, std::string_view cause, const std::string& before = {});

  // Says how many were left out, where a minute is over.
  void expire(Time now);

 private:
  struct Minute {
    LogLevel level = LogLevel::info;
    std::size_t lines = 0;
    std::size_t left_out = 0;
  };

  std::vector<LogLine>& log_;
  OncePerClient once_;
  std::map<std::string, Minute, std::less<>> minutes_;  // by cause
  std::optional<Time> since_;
};

}  // namespace pubsub_mqtt::session
