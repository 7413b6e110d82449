// Packets of MQTT 5.0, written by hand with the properties that a test is about, one for each place where properties
// may stand: the fourteen columns of table 2-4 (2.2.2.2). Written down apart from src/mqtt, which is held against it.
#pragma once

#include <array>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>

#include "packet_bytes.h"
#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::mqtt {

enum class Place {
  connect,
  will,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  disconnect,
  auth,
};

inline constexpr std::array every_place{
    Place::connect,     Place::will,     Place::connack,    Place::publish,   Place::puback,
    Place::pubrec,      Place::pubrel,   Place::pubcomp,    Place::subscribe, Place::suback,
    Place::unsubscribe, Place::unsuback, Place::disconnect, Place::auth,
};

inline std::ostream& operator<<(std::ostream& out, Place place) {
  constexpr std::array names{"CONNECT",     "will",     "CONNACK",    "PUBLISH",   "PUBACK",
                             "PUBREC",      "PUBREL",   "PUBCOMP",    "SUBSCRIBE", "SUBACK",
                             "UNSUBSCRIBE", "UNSUBACK", "DISCONNECT", "AUTH"};
  return out << names.at(static_cast<std::size_t>(place));
}

// Properties with their length of one byte in front.
inline std::string section(std::string_view properties) {
  return bytes(static_cast<int>(properties.size()), properties);
}

// `section` as it stands on the wire, its length included.
inline std::string packet_with_section(Place place, std::string_view section) {
  switch (place) {
    case Place::connect:
      return packet(0x10, field("MQTT"), 5, 0x02, 0, 60, section, field("id"));
    case Place::will:
      return packet(0x10, field("MQTT"), 5, 0x06, 0, 60, 0, field("id"), section, field("t"), field("m"));
    case Place::connack:
      return packet(0x20, 0, 0, section);
    case Place::publish:
      return packet(0x30, field("t"), section, "p");
    case Place::puback:
      return packet(0x40, 0, 1, 0x10, section);
    case Place::pubrec:
      return packet(0x50, 0, 1, 0x10, section);
    case Place::pubrel:
      return packet(0x62, 0, 1, 0x92, section);
    case Place::pubcomp:
      return packet(0x70, 0, 1, 0x92, section);
    case Place::subscribe:
      return packet(0x82, 0, 1, section, field("t"), 0);
    case Place::suback:
      return packet(0x90, 0, 1, section, 0);
    case Place::unsubscribe:
      return packet(0xA2, 0, 1, section, field("t"));
    case Place::unsuback:
      return packet(0xB0, 0, 1, section, 0);
    case Place::disconnect:
      return packet(0xE0, 0x04, section);
    case Place::auth:
      return packet(0xF0, 0x18, section);
  }
  return {};
}

inline std::string packet_with(Place place, std::string_view properties) {
  return packet_with_section(place, section(properties));
}

inline Properties properties_of(const Packet& packet, Place place) {
  if (place == Place::will) return std::get<Connect>(packet).will.value_or(Publish{}).properties;
  return std::visit(
      [](const auto& any) {
        if constexpr (requires { any.properties; }) return any.properties;
        return Properties();
      },
      packet);
}

}  // namespace pubsub_mqtt::mqtt
