// An application message on its way to any number of sessions: kept once, encoded once for QoS 0 and once for
// QoS 1 and 2, in the form of 3.1 and 3.1.1 and in that of 5.0 where it has subscribers of both. The packets of two
// sessions differ in a few bits, unless a client of 5.0 is told what nobody else is (write_alone()). Network thread
// only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "durable/stored_message.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/publication.h"
#include "pubsub_mqtt/boundary/route.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/topic/form.h"

namespace pubsub_mqtt::session {

class Message : public std::enable_shared_from_this<Message> {
 public:
  enum class Kind : std::uint8_t {
    live,      // it was published just now
    retained,  // a SUBSCRIBE brings it
    response,  // a request brings it
  };

  Message(Kind kind, NodeId node, topic::Form form, Publication publication);

  // Where it comes from, to ask later who may have it.
  NodeId node() const { return node_; }
  topic::Form form() const { return form_; }
  bool is_retained() const { return kind_ == Kind::retained; }
  bool is_asked_for() const { return kind_ != Kind::live; }
  const Envelope& envelope() const { return publication_.envelope; }
  const std::string& topic() const { return publication_.topic; }

  const std::string& payload() const { return publication_.payload; }
  // What its publisher said of it, encoded.
  std::string_view properties() const {
    const auto& properties = publication_.envelope.properties;
    return properties == nullptr ? std::string_view() : *properties;
  }

  // Whoever has not been sent it by then does not get it [MQTT5-3.3.2-5].
  bool expires() const { return publication_.envelope.expires_at != Time::max(); }
  bool has_expired(Time now) const { return publication_.envelope.expires_at <= now; }
  bool expires_at_once() const { return publication_.envelope.expires_at == Envelope::at_once; }
  // What is left of its Message Expiry Interval [MQTT5-3.3.2-6], in whole seconds: 0 when it has expired, and not
  // before.
  std::uint32_t seconds_left(Time now) const;

  // Where it stands in the store, if it is kept for sessions that outlive the process (durable/journal.h).
  StoredMessage& stored() { return stored_; }
  const StoredMessage& stored() const { return stored_; }
  // What the store keeps of it: nobody changes that.
  std::shared_ptr<const Publication> publication() const { return {shared_from_this(), &publication_}; }
  // The same message, and another row of the store.
  std::shared_ptr<Message> copy() const {
    return std::make_shared<Message>(kind_, node_, form_, publication_);
  }
  // Of a message that an earlier process has left: the node has a number again.
  void set_node(NodeId node) { node_ = node; }

  // Bytes of topic, payload and properties.
  std::size_t size() const { return publication_.size(); }

  // The whole PUBLISH: a small one is copied, the payload of a large one is shared, and so are large properties. In the
  // form of 5.0 it has properties().
  void write(Outbox& outbox, mqtt::PublishFlags flags, mqtt::ProtocolLevel level);

  // The same in the form of 5.0 for one client alone, with the topic and the properties of `publish`, of which
  // properties() are the last.
  void write_alone(Outbox& outbox, const mqtt::Publish& publish) const;

 private:
  // What stands before a payload that is shared, or all of a small packet.
  struct Encoding {
    std::string bytes;
    std::uint32_t header_size = 0;
    std::uint32_t identifier_place = 0;  // of the packet identifier in the header
  };
  // For QoS 0, and for QoS 1 and 2; with the properties of 5.0, and without.
  static constexpr std::uint8_t all_encodings = 4;
  static std::uint8_t index(mqtt::QoS qos, mqtt::ProtocolLevel level) {
    return static_cast<std::uint8_t>((qos == mqtt::QoS::at_most_once ? 0U : 1U) +
                                     (level == mqtt::ProtocolLevel::mqtt_5 ? 2U : 0U));
  }
  // Most messages have subscribers of one kind only.
  Encoding& encoding(mqtt::QoS qos, mqtt::ProtocolLevel level) {
    const std::uint8_t wanted = index(qos, level);
    Encoding& encoding = wanted == first_index_ ? first_ : place(wanted);
    if (encoding.bytes.empty()) encode(qos, level, encoding);
    return encoding;
  }
  Encoding& place(std::uint8_t wanted);
  void encode(mqtt::QoS qos, mqtt::ProtocolLevel level, Encoding& encoding) const;
  bool shares_properties(mqtt::ProtocolLevel level) const;
  bool is_copied(mqtt::ProtocolLevel level) const;
  std::string header(const mqtt::Publish& publish, mqtt::ProtocolLevel level,
                     std::uint32_t& identifier_place) const;
  void write_shared(Outbox& outbox, mqtt::ProtocolLevel level) const;

  NodeId node_;
  Kind kind_;
  topic::Form form_;
  std::uint8_t first_index_ = all_encodings;  // none
  StoredMessage stored_;
  Publication publication_;
  Encoding first_;                                               // that was wanted
  std::unique_ptr<std::array<Encoding, all_encodings>> others_;  // by their index
};

}  // namespace pubsub_mqtt::session
