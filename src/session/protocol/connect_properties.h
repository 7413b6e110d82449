// What CONNECT and CONNACK of MQTT 5.0 say beside the fields of 3.1.1 (5.0, 3.1.2.11 and 3.2.2.3). Network thread only.
#pragma once

#include <memory>
#include <string>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "record/client_limits.h"

namespace pubsub_mqtt::session {

// What the client takes; nullptr for a client of 3.1 or 3.1.1, which says nothing of the kind.
std::unique_ptr<const ClientLimits> client_limits(const mqtt::Connect& connect);

// Of the CONNACK that accepts the client: what the server takes.
std::string connack_properties(const Limits& limits);

}  // namespace pubsub_mqtt::session
