// The CONNECT of the bench's clients.
#pragma once

#include <cstdint>
#include <string_view>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::bench {

// Whether it is to outlive the client's connection.
enum class Session : std::uint8_t { clean, kept };

// Refers to `client_identifier`.
mqtt::Connect connect_packet(mqtt::ProtocolLevel level, std::string_view client_identifier, Session session);

}  // namespace pubsub_mqtt::bench
