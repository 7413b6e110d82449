// Why a client is refused, in the project's own words: what Prosody's thread answers, and what this room turns
// into the return codes of the client's version of MQTT. Values; any thread.
#pragma once

#include <cstdint>
#include <variant>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::mqtt {

enum class Reason : std::uint8_t {
  success,
  unsupported_protocol_version,
  identifier_rejected,
  server_unavailable,  // for now: the same may succeed later
  bad_credentials,     // the user name is unknown, or the password is wrong
  not_authorized,
};

// CONNACK's (MQTT 3.1.1, 3.2.2.3, table 3.1).
ConnectReturnCode connect_return_code(Reason reason);

// What became of one filter of a SUBSCRIBE: the QoS at which it was granted, or why it was refused.
using FilterResult = std::variant<QoS, Reason>;

// SUBACK's (MQTT 3.1.1, 3.9.3): one code stands for every refusal.
SubackReturnCode suback_return_code(const FilterResult& result);

}  // namespace pubsub_mqtt::mqtt
