#include "message.h"

#include <utility>

#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::session {
namespace {

// Below this a copy into the connection's buffer is cheaper than a segment of its own in the system call.
constexpr std::size_t copied_payload_size = 2048;

// The first byte of a PUBLISH (3.3.1)
constexpr unsigned dup_flag = 0x08;
constexpr unsigned qos_bits = 0x06;
constexpr unsigned qos_shift = 1;

}  // namespace

Message::Message(NodeId node, payload::Type type, std::string topic, std::string payload, bool retain)
    : node_(node), type_(type), retain_(retain), topic_(std::move(topic)), payload_(std::move(payload)) {}

Message::Encoding& Message::encoding(mqtt::QoS qos) {
  const bool has_identifier = qos != mqtt::QoS::at_most_once;
  Encoding& encoding = encodings_[has_identifier ? 1 : 0];
  if (!encoding.bytes.empty()) return encoding;
  const bool copied = payload_.size() <= copied_payload_size;
  constexpr std::size_t around_the_topic = 9;
  encoding.bytes.reserve(topic_.size() + around_the_topic + (copied ? payload_.size() : 0));
  mqtt::write_publish_header({.topic = topic_, .qos = qos, .retain = retain_}, payload_.size(),
                             encoding.bytes);
  encoding.header_size = encoding.bytes.size();
  if (copied) encoding.bytes += payload_;
  return encoding;
}

void Message::write(Outbox& outbox, mqtt::QoS qos, mqtt::PacketIdentifier packet_identifier, bool dup) {
  auto& [bytes, header_size] = encoding(qos);
  if (qos != mqtt::QoS::at_most_once) {
    // What was written with another identifier has been copied.
    const unsigned flags = static_cast<unsigned char>(bytes[0]) & ~(dup_flag | qos_bits);
    bytes[0] = static_cast<char>(flags | static_cast<unsigned>(qos) << qos_shift | (dup ? dup_flag : 0));
    bytes[header_size - 2] = static_cast<char>(packet_identifier >> 8U);
    bytes[header_size - 1] = static_cast<char>(packet_identifier & 0xFFU);
  }
  outbox.write(bytes);
  if (bytes.size() == header_size && !payload_.empty()) {
    outbox.write(std::shared_ptr<const std::string>(shared_from_this(), &payload_));
  }
}

}  // namespace pubsub_mqtt::session
