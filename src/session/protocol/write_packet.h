// One small packet on its way to a client.
#pragma once

#include <string>

#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "pubsub_mqtt/session/outbox.h"

namespace pubsub_mqtt::session {

template <typename Packet>
void write_packet(const Packet& packet, Outbox& outbox,
                  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1) {
  std::string bytes;
  mqtt::write(packet, bytes, level);
  outbox.write(bytes);
}

}  // namespace pubsub_mqtt::session
