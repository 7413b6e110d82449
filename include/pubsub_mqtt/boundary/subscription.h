// A filter that a client subscribed to, with its options. Values; any thread.
#pragma once

#include <string>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt {

struct Subscription {
  std::string topic_filter;  // a topic filter by the rules of MQTT
  mqtt::QoS qos = mqtt::QoS::at_most_once;

  bool operator==(const Subscription&) const = default;
};

}  // namespace pubsub_mqtt
