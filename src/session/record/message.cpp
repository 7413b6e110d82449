#include "record/message.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <span>
#include <utility>

namespace pubsub_mqtt::session {
namespace {

// Below this a copy into the connection's buffer is cheaper than a segment of its own in the system call.
constexpr std::size_t copied_payload_size = 2048;

// The longest that a variable byte integer can be.
constexpr std::size_t length_of_properties = 4;

}  // namespace

Message::Message(Kind kind, NodeId node, topic::Type type, Publication publication)
    : node_(node), kind_(kind), type_(type), publication_(std::move(publication)) {}

std::uint32_t Message::seconds_left(Time now) const {
  if (has_expired(now)) return 0;
  const auto left = std::chrono::ceil<std::chrono::seconds>(envelope().expires_at - now).count();
  constexpr decltype(left) longest = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(left, longest));
}

Message::Encodings& Message::new_encodings(mqtt::ProtocolLevel level) {
  if (first_form_ == Form::none) {
    first_form_ = form(level);
    return encodings_;
  }
  if (!other_encodings_) other_encodings_ = std::make_unique<Encodings>();
  return *other_encodings_;
}

bool Message::is_copied() const { return payload().size() <= copied_payload_size; }

void Message::encode(mqtt::QoS qos, mqtt::ProtocolLevel level, Encoding& encoding) const {
  constexpr std::size_t around_the_topic = 9;
  std::string bytes;
  std::size_t size = topic().size() + around_the_topic + (is_copied() ? payload().size() : 0);
  if (level == mqtt::ProtocolLevel::mqtt_5) size += length_of_properties + properties().size();
  bytes.reserve(size);
  const std::size_t identifier_place =
      mqtt::write_publish_header({.topic = topic(), .qos = qos, .properties = mqtt::Properties(properties())},
                                 payload().size(), bytes, level);
  encoding.identifier_place = static_cast<std::uint32_t>(identifier_place);
  encoding.header_size = static_cast<std::uint32_t>(bytes.size());
  if (is_copied()) bytes += payload();
  encoding.bytes = std::move(bytes);
}

void Message::write(Outbox& outbox, mqtt::PublishFlags flags, mqtt::ProtocolLevel level) {
  auto& [bytes, header_size, identifier_place] = encoding(flags.qos, level);
  // What was written for another session has been copied.
  mqtt::rewrite_publish_header(std::span(bytes).first(header_size), identifier_place, flags);
  outbox.write(bytes);
  if (!is_copied()) write_shared_payload(outbox);
}

void Message::write_alone(Outbox& outbox, const mqtt::Publish& publish) const {
  std::string bytes;
  mqtt::write_publish_header(publish, payload().size(), bytes, mqtt::ProtocolLevel::mqtt_5);
  if (is_copied()) bytes += payload();
  outbox.write(bytes);
  if (!is_copied()) write_shared_payload(outbox);
}

void Message::write_shared_payload(Outbox& outbox) const {
  outbox.write(std::shared_ptr<const std::string>(shared_from_this(), &payload()));
}

}  // namespace pubsub_mqtt::session
