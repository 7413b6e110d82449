#include "record/message.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <span>
#include <utility>

namespace pubsub_mqtt::session {
namespace {

// Up to this a copy into the connection's buffer is cheaper than a segment of its own in the system call.
constexpr std::size_t copied_size = 2048;

// The longest that a variable byte integer can be.
constexpr std::size_t length_of_properties = 4;

}  // namespace

Message::Message(Kind kind, NodeId node, topic::Form form, Publication publication)
    : node_(node), kind_(kind), form_(form), publication_(std::move(publication)) {}

std::uint32_t Message::seconds_left(Time now) const {
  if (has_expired(now)) return 0;
  const auto left = std::chrono::ceil<std::chrono::seconds>(envelope().expires_at - now).count();
  constexpr decltype(left) longest = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(left, longest));
}

Message::Encoding& Message::place(std::uint8_t wanted) {
  if (first_index_ == all_encodings) {
    first_index_ = wanted;
    return first_;
  }
  if (!others_) others_ = std::make_unique<std::array<Encoding, all_encodings>>();
  return (*others_)[wanted];
}

bool Message::shares_properties(mqtt::ProtocolLevel level) const {
  return level == mqtt::ProtocolLevel::mqtt_5 && properties().size() > copied_size;
}

bool Message::is_copied(mqtt::ProtocolLevel level) const {
  return payload().size() <= copied_size && !shares_properties(level);
}

// What is copied of a PUBLISH: up to its properties, where they are shared, else up to its payload, or with it.
std::string Message::header(const mqtt::Publish& publish, mqtt::ProtocolLevel level,
                            std::uint32_t& identifier_place) const {
  constexpr std::size_t around_the_topic = 9;
  std::string bytes;
  std::size_t size = publish.topic.size() + around_the_topic + (is_copied(level) ? payload().size() : 0);
  if (level == mqtt::ProtocolLevel::mqtt_5)
    size += length_of_properties + publish.properties.encoded().size();
  bytes.reserve(size);
  identifier_place =
      static_cast<std::uint32_t>(mqtt::write_publish_header(publish, payload().size(), bytes, level));
  if (!shares_properties(level)) return bytes;
  return bytes.substr(0, bytes.size() - properties().size());
}

void Message::encode(mqtt::QoS qos, mqtt::ProtocolLevel level, Encoding& encoding) const {
  std::string bytes = header({.topic = topic(), .qos = qos, .properties = mqtt::Properties(properties())},
                             level, encoding.identifier_place);
  encoding.header_size = static_cast<std::uint32_t>(bytes.size());
  if (is_copied(level)) bytes += payload();
  encoding.bytes = std::move(bytes);
}

void Message::write(Outbox& outbox, mqtt::PublishFlags flags, mqtt::ProtocolLevel level) {
  auto& [bytes, header_size, identifier_place] = encoding(flags.qos, level);
  // What was written for another session has been copied.
  mqtt::rewrite_publish_header(std::span(bytes).first(header_size), identifier_place, flags);
  outbox.write(bytes);
  write_shared(outbox, level);
}

void Message::write_alone(Outbox& outbox, const mqtt::Publish& publish) const {
  constexpr auto level = mqtt::ProtocolLevel::mqtt_5;
  std::uint32_t identifier_place = 0;
  std::string bytes = header(publish, level, identifier_place);
  if (is_copied(level)) bytes += payload();
  outbox.write(bytes);
  write_shared(outbox, level);
}

void Message::write_shared(Outbox& outbox, mqtt::ProtocolLevel level) const {
  if (is_copied(level)) return;
  if (shares_properties(level)) outbox.write(envelope().properties);
  outbox.write(std::shared_ptr<const std::string>(shared_from_this(), &payload()));
}

}  // namespace pubsub_mqtt::session
