// A filter that a client subscribed to, with its options. Values; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt {

struct Subscription {
  std::string topic_filter;  // a topic filter by the rules of MQTT
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool no_local = false;
  bool retain_as_published = false;
  mqtt::RetainHandling retain_handling = mqtt::RetainHandling::always;
  std::uint32_t identifier = 0;  // which messages that it selects bear (MQTT 5.0, 3.8.2.1.2); 0: none

  bool operator==(const Subscription&) const = default;
};

}  // namespace pubsub_mqtt
