#include "record/message.h"

#include <span>
#include <utility>

#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::session {
namespace {

// Below this a copy into the connection's buffer is cheaper than a segment of its own in the system call.
constexpr std::size_t copied_payload_size = 2048;

}  // namespace

Message::Message(Kind kind, NodeId node, topic::Type type, Publication publication)
    : node_(node), kind_(kind), type_(type), publication_(std::move(publication)) {}

Message::Encoding& Message::encoding(mqtt::QoS qos) {
  const bool has_identifier = qos != mqtt::QoS::at_most_once;
  Encoding& encoding = encodings_[has_identifier ? 1 : 0];
  if (!encoding.bytes.empty()) return encoding;
  const auto& [topic, payload, _] = publication_;
  const bool copied = payload.size() <= copied_payload_size;
  constexpr std::size_t around_the_topic = 9;
  std::string bytes;
  bytes.reserve(topic.size() + around_the_topic + (copied ? payload.size() : 0));
  const std::size_t identifier_place =
      mqtt::write_publish_header({.topic = topic, .qos = qos}, payload.size(), bytes);
  encoding.identifier_place = static_cast<std::uint32_t>(identifier_place);
  encoding.header_size = static_cast<std::uint32_t>(bytes.size());
  if (copied) bytes += payload;
  encoding.bytes = std::move(bytes);
  return encoding;
}

void Message::write(Outbox& outbox, const mqtt::Publish& publish) {
  auto& [bytes, header_size, identifier_place] = encoding(publish.qos);
  // What was written for another session has been copied.
  mqtt::rewrite_publish_header(std::span(bytes).first(header_size), identifier_place, publish);
  outbox.write(bytes);
  const std::string& payload = publication_.payload;
  if (bytes.size() == header_size && !payload.empty()) {
    outbox.write(std::shared_ptr<const std::string>(shared_from_this(), &payload));
  }
}

}  // namespace pubsub_mqtt::session
