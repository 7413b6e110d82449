// All properties of a packet, from bytes to values (MQTT 5.0, 2.2.2).
#pragma once

#include "fields.h"
#include "wire_format.h"

namespace pubsub_mqtt::mqtt {

// Takes them off the front of `fields`, with their length. Each is checked: whether it may stand in `packet` (one type,
// or `will`), once where it may stand once, with a value that it may have. None where that is not so.
Properties read_properties(Fields& fields, PacketTypes packet);

}  // namespace pubsub_mqtt::mqtt
