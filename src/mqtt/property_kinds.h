// What each property is, and where it may stand (MQTT 5.0, 2.2.2.2, table 2-4).
#pragma once

#include <cstdint>

#include "pubsub_mqtt/mqtt/properties.h"
#include "wire_format.h"

namespace pubsub_mqtt::mqtt {

enum class PropertyType : std::uint8_t {
  flag,  // a byte, 0 or 1: there are no other bytes
  two_byte_integer,
  four_byte_integer,
  variable_byte_integer,
  utf8_string,
  utf8_string_pair,
  binary_data,
};

struct PropertyKind {
  PropertyIdentifier identifier;
  PropertyType type;
  PacketTypes packets;
};

// Returns nullptr for a number that is no property's.
const PropertyKind* find_property_kind(std::uint8_t identifier);

}  // namespace pubsub_mqtt::mqtt
