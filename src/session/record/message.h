// An application message on its way to any number of sessions: kept once, encoded once for QoS 0 and once for
// QoS 1 and 2, whose packets differ in a few bits. Network thread only.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "pubsub_mqtt/boundary/publication.h"
#include "pubsub_mqtt/boundary/route.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::session {

class Message : public std::enable_shared_from_this<Message> {
 public:
  // The publication's RETAIN says that a SUBSCRIBE brings a retained message [MQTT-3.3.1-8]; else it is false
  // [MQTT-3.3.1-9].
  Message(NodeId node, topic::Type type, Publication publication);

  // Where it comes from, to ask later who may have it.
  NodeId node() const { return node_; }
  topic::Type type() const { return type_; }
  bool retain() const { return publication_.envelope.retain; }
  SessionId publisher() const { return publication_.envelope.publisher; }

  // Bytes of topic and payload.
  std::size_t size() const { return publication_.size(); }

  // The whole PUBLISH: a small one is copied, the payload of a large one is shared.
  void write(Outbox& outbox, mqtt::QoS qos, mqtt::PacketIdentifier packet_identifier = 0, bool dup = false);

 private:
  // What stands before a payload that is shared, or all of a small packet.
  struct Encoding {
    std::string bytes;
    std::size_t header_size = 0;
  };
  Encoding& encoding(mqtt::QoS qos);

  NodeId node_;
  topic::Type type_;
  Publication publication_;
  std::array<Encoding, 2> encodings_;  // QoS 0; QoS 1 and 2
};

}  // namespace pubsub_mqtt::session
