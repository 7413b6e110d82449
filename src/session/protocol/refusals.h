// What the log says of clients that are refused, or closed for what an administrator can mend. Of each reason, of
// which there are a few, one line and a count are logged a minute, and the others at debug level: whoever can
// connect can be refused as often as they like. Network thread only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/base/burst_warning.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/base/time.h"

namespace pubsub_mqtt::session {

class Refusals {
 public:
  // `log` outlives this.
  explicit Refusals(std::vector<LogLine>& log) : log_(log) {}

  // `client` is printable; `total` ends the line with the count, before the reason.
  void log(Time now, LogLevel level, const std::string& client, std::string_view reason,
           std::string_view total = "CONNECTs were refused: ");

  // Says how many there were, where their minute is over.
  void expire(Time now);

 private:
  std::vector<LogLine>& log_;
  std::map<std::string, BurstWarning, std::less<>> by_reason_;
};

}  // namespace pubsub_mqtt::session
