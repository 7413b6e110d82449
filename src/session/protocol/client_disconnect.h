// What a client may say in DISCONNECT (MQTT 5.0, 3.14.2). Network thread only.
#pragma once

#include "protocol/violation.h"
#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::session {

// Returns nullopt where the packet keeps to the rules. `outlives_connection`: so far the session does.
Violation fault(const mqtt::Disconnect& packet, bool outlives_connection);

}  // namespace pubsub_mqtt::session
