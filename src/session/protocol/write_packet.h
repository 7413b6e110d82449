// One small packet on its way to a client.
#pragma once

#include <string>

#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "pubsub_mqtt/session/outbox.h"

namespace pubsub_mqtt::session {

template <typename Packet>
void write_packet(const Packet& packet, Outbox& outbox) {
  std::string bytes;
  mqtt::write(packet, bytes);
  outbox.write(bytes);
}

}  // namespace pubsub_mqtt::session
