// From bytes to the value of a property.
#pragma once

#include "fields.h"
#include "property_kinds.h"

namespace pubsub_mqtt::mqtt {

PropertyValue read_value(Fields& fields, PropertyType type);

// All properties of a packet, with their length in front (MQTT 5.0, 2.2.2), checked: each may stand in `packet` (one
// type, or `will`), once where it may stand once, and has a value that it may have.
Properties read_properties(Fields& fields, PacketTypes packet);

}  // namespace pubsub_mqtt::mqtt
