// The load of most rows: one publisher, one or more subscribers, one topic.
#pragma once

#include <cstddef>
#include <string>

#include "pubsub_mqtt/mqtt/packets.h"
#include "row.h"
#include "server.h"
#include "socket.h"

namespace pubsub_mqtt::bench {

struct Load {
  std::string topic;
  mqtt::QoS qos = mqtt::QoS::at_most_once;  // of the publisher and of the subscribers
  std::size_t subscribers = 1;
  double seconds = 2;
  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1;  // that the clients speak
  Carrier carrier = Carrier::tcp;
};

// The sample's value is the rate of deliveries: messages a second that arrived at subscribers.
Sample run(const Load& load, const Server& server);

}  // namespace pubsub_mqtt::bench
