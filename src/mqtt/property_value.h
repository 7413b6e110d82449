// The value of a property on the wire (MQTT 5.0, 2.2.2.2).
#pragma once

#include <string>

#include "fields.h"
#include "property_kinds.h"

namespace pubsub_mqtt::mqtt {

PropertyValue read_value(Fields& fields, PropertyType type);

// Appends it; `value` is of that type.
void put_value(PropertyType type, const PropertyValue& value, std::string& out);

}  // namespace pubsub_mqtt::mqtt
