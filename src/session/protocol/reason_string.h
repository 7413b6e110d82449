// What clients of MQTT 5.0 are told in words where something was refused, or why the server closes (5.0, 4.13).
// Network thread only.
#pragma once

#include <string>
#include <string_view>

#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "pubsub_mqtt/session/outbox.h"
#include "record/client_limits.h"

namespace pubsub_mqtt::session {

// Writes the packet with the Reason String `why`, or without where that is empty, where the client has asked for none,
// or where it takes no packet of that size [MQTT5-3.2.2-19, MQTT5-3.14.2-3]. Returns false where the client does not
// even take the packet alone: nothing was written [MQTT5-3.1.2-24].
template <typename Packet>
bool write_with_reason(Packet packet, std::string_view why, const ClientLimits& limits, Outbox& outbox) {
  std::string properties(packet.properties.encoded());
  const auto encoded = [&] {
    std::string bytes;
    packet.properties = mqtt::Properties(properties);
    mqtt::write(packet, bytes, mqtt::ProtocolLevel::mqtt_5);
    return bytes;
  };
  const std::size_t without = properties.size();
  if (limits.problem_information && !why.empty()) {
    mqtt::append({.identifier = mqtt::PropertyIdentifier::reason_string, .value = why}, properties);
  }
  std::string bytes = encoded();
  if (bytes.size() > limits.max_packet_size && properties.size() > without) {
    properties.resize(without);
    bytes = encoded();
  }
  if (bytes.size() > limits.max_packet_size) return false;
  outbox.write(bytes);
  return true;
}

}  // namespace pubsub_mqtt::session
