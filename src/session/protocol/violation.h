// A rule of MQTT that a packet has broken: its connection is to be closed [MQTT-4.8.0-1]. Values; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "pubsub_mqtt/mqtt/reason.h"

namespace pubsub_mqtt::session {

struct BrokenRule {
  std::string_view rule;  // a string literal: for the log, and for clients of 5.0
  mqtt::Reason reason = mqtt::Reason::protocol_error;
};

using Violation = std::optional<BrokenRule>;

}  // namespace pubsub_mqtt::session
