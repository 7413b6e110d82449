// Whom an answer is for. The network thread gives a ticket with each request, and Prosody's thread returns it with
// the answer as it was. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt {

// Never used twice in the life of a core, so a late answer can never meet another session.
using SessionId = std::uint64_t;

// Likewise for a connection, where an answer is for that connection only.
using ConnectionId = std::uint64_t;

struct Ticket {
  SessionId session = 0;
  // An acknowledgement on another connection would acknowledge another packet.
  ConnectionId connection = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
  mqtt::QoS qos = mqtt::QoS::at_most_once;  // of a PUBLISH
  bool will = false;                        // no client waits for the answer
  std::size_t bytes = 0;  // what the request keeps in memory, for the account of what is under way

  // Else it is of a session that an earlier process has left.
  bool is_of_client() const { return connection != 0; }
};

}  // namespace pubsub_mqtt
