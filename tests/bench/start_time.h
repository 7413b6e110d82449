// How long a server takes to start.
#pragma once

#include "pubsub_mqtt/mqtt/packets.h"
#include "server.h"

namespace pubsub_mqtt::bench {

// Starts again a server that was stopped. Returns the seconds until an MQTT client has its CONNACK.
double time_to_start(Server& server, mqtt::ProtocolLevel level);

}  // namespace pubsub_mqtt::bench
