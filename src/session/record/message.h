// An application message on its way to any number of sessions: kept once, encoded once for QoS 0 and once for
// QoS 1 and 2. The packets of two sessions differ in a few bits. Network thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
  enum class Kind : std::uint8_t {
    live,      // it was published just now
    retained,  // a SUBSCRIBE brings it
  };

  Message(Kind kind, NodeId node, topic::Type type, Publication publication);

  // Where it comes from, to ask later who may have it.
  NodeId node() const { return node_; }
  topic::Type type() const { return type_; }
  bool is_retained() const { return kind_ == Kind::retained; }
  const Envelope& envelope() const { return publication_.envelope; }
  const std::string& topic() const { return publication_.topic; }

  // Bytes of topic and payload.
  std::size_t size() const { return publication_.size(); }

  // The whole PUBLISH, with the flags and the packet identifier of `publish`: a small one is copied, the payload of a
  // large one is shared.
  void write(Outbox& outbox, const mqtt::Publish& publish);

 private:
  // What stands before a payload that is shared, or all of a small packet.
  struct Encoding {
    std::string bytes;
    std::uint32_t header_size = 0;
    std::uint32_t identifier_place = 0;  // of the packet identifier in the header
  };
  Encoding& encoding(mqtt::QoS qos);

  NodeId node_;
  Kind kind_;
  topic::Type type_;
  Publication publication_;
  std::array<Encoding, 2> encodings_;  // QoS 0; QoS 1 and 2
};

}  // namespace pubsub_mqtt::session
