// From bytes to the value of a property (MQTT 5.0, 2.2.2.2).
#pragma once

#include "fields.h"
#include "property_kinds.h"

namespace pubsub_mqtt::mqtt {

PropertyValue read_value(Fields& fields, PropertyType type);

}  // namespace pubsub_mqtt::mqtt
