// What follows the fixed header of each packet (MQTT 3.1.1 and 5.0, chapter 3), from bytes to values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "wire_format.h"

namespace pubsub_mqtt::mqtt {

// `flags` are those of the fixed header, and were found to be right for `type`. The views in the packet lie
// in `body`. `level` is the client's, which a CONNECT says. Never NeedMoreBytes.
ReadResult read_body(PacketType type, std::uint8_t flags, std::string_view body, ProtocolLevel& level);

// The level of a CONNECT whose body begins so; nullopt: it is none that is served, or was not there yet.
std::optional<ProtocolLevel> level_of_connect(std::string_view body);

}  // namespace pubsub_mqtt::mqtt
