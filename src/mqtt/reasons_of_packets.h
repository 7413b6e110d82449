// Which reasons may stand in which packet (MQTT 5.0, 2.4, table 2-6).
#pragma once

#include "pubsub_mqtt/mqtt/reason.h"
#include "wire_format.h"

namespace pubsub_mqtt::mqtt {

bool is_reason_of(PacketType type, Reason reason);

}  // namespace pubsub_mqtt::mqtt
