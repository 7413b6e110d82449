// QoS 1 from ten publishers, 50 messages of each unacknowledged, to sessions that outlive their connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "latencies.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "server.h"

namespace pubsub_mqtt::bench {

struct DurableLoad {
  std::string topic;
  std::size_t sessions = 1;
  bool are_away = false;  // until all is published; then each comes back and takes what is its
  double seconds = 2;
  std::uint32_t most_messages = std::numeric_limits<std::uint32_t>::max();  // the load ends with them
  double rate = std::numeric_limits<double>::infinity();                    // messages a second at most
  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1;
};

struct DurableRun {
  double messages_a_second = 0;  // until the last was acknowledged, and taken by who was connected
  Latencies acknowledgements;    // from PUBLISH to PUBACK
  double delivered = 0;          // share of the deliveries that were taken in the end
  double written_bytes = 0;      // by the server, for each message
  std::size_t resident_bytes = 0;
  std::string failure = {};
};

DurableRun run(const DurableLoad& load, const Server& server);

}  // namespace pubsub_mqtt::bench
