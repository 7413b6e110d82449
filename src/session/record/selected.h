// How a session receives a message: as its subscriptions said when they selected it. The message keeps this in the
// queue and in flight, however often it is sent. A value.
#pragma once

#include <memory>
#include <string>

#include "pubsub_mqtt/mqtt/packets.h"
#include "routing/group_number.h"

namespace pubsub_mqtt::session {

struct Selected {
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool retain = false;    // the flag of the packet
  GroupNumber group = 0;  // whose member the session has it as; 0: it has it by itself
  // The Subscription Identifiers of the filters that selected it (MQTT 5.0, 3.3.4), as encoded properties; nullptr:
  // none.
  std::shared_ptr<const std::string> identifiers = nullptr;
};

}  // namespace pubsub_mqtt::session
