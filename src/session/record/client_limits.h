// What a client of MQTT 5.0 takes, as its CONNECT said (5.0, 3.1.2.11). Of the newest connection; a client of 3.1 or
// 3.1.1 says nothing of the kind, and has none.
#pragma once

#include <cstdint>
#include <limits>

namespace pubsub_mqtt::session {

struct ClientLimits {
  std::uint16_t receive_maximum = 65535;  // PUBLISHes at QoS 1 and 2 in flight
  std::uint32_t max_packet_size = std::numeric_limits<std::uint32_t>::max();  // of a whole packet
  std::uint16_t topic_alias_maximum = 0;                                      // no more than the server gives
  std::uint16_t server_topic_alias_maximum = 0;  // what CONNACK has promised it, whatever a reload says later
  bool problem_information = true;               // the client wants reason strings where something is refused
};

}  // namespace pubsub_mqtt::session
