#include "protocol/recipient.h"

#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::session {
namespace {

using Id = mqtt::PropertyIdentifier;

// As properties.
constexpr std::size_t size_of_alias = 3;
constexpr std::size_t size_of_expiry = 5;

void append(Id identifier, std::uint32_t value, std::string& properties) {
  mqtt::append({.identifier = identifier, .value = value}, properties);
}

// Those of the message, and what this client alone is told.
std::string properties(const Message& message, const Selected& selected, std::uint16_t alias, Time now) {
  std::string encoded;
  if (message.expires()) append(Id::message_expiry_interval, message.seconds_left(now), encoded);
  if (alias != 0) append(Id::topic_alias, alias, encoded);
  if (selected.identifiers != nullptr) encoded += *selected.identifiers;
  encoded += message.properties();
  return encoded;
}

// Of the whole packet, with its topic or an alias or, where the alias is new, both. The bytes of properties() are
// counted here, not made.
std::size_t packet_size(const Message& message, const Selected& selected, std::string_view topic,
                        bool has_alias) {
  const std::size_t properties = (message.expires() ? size_of_expiry : 0) + (has_alias ? size_of_alias : 0) +
                                 (selected.identifiers != nullptr ? selected.identifiers->size() : 0) +
                                 message.properties().size();
  return mqtt::packet_size(topic, selected.qos, properties, message.payload().size());
}

}  // namespace

void Recipient::attach(Outbox& outbox, std::unique_ptr<const ClientLimits> limits) noexcept {
  outbox_ = &outbox;
  limits_ = std::move(limits);
  more_.reset();  // aliases of one connection mean nothing on another [MQTT5-3.3.2-7]
}

void Recipient::detach() noexcept {
  outbox_ = nullptr;
  limits_.reset();
  more_.reset();
}

Recipient::More& Recipient::more() {
  if (more_ == nullptr) more_ = std::make_unique<More>();
  return *more_;
}

Recipient::TooLarge Recipient::take_too_large() {
  return more_ == nullptr ? TooLarge() : std::exchange(more_->too_large, {});
}

bool Recipient::would_take(const Message& message, const Selected& selected) const {
  return !has_packet_limit() || least_size(message, selected) <= limits_->max_packet_size;
}

// As send() writes it: without the topic where that has an alias already. A new alias is given where there is room.
std::size_t Recipient::least_size(const Message& message, const Selected& selected) const {
  const bool has_alias = more_ != nullptr && more_->aliases.find(message.topic()) != 0;
  return packet_size(message, selected, has_alias ? std::string_view() : message.topic(), has_alias);
}

bool Recipient::is_within_limit(const Message& message, const Selected& selected) {
  const std::size_t size = least_size(message, selected);
  if (size <= limits_->max_packet_size) return true;
  auto& too_large = more().too_large;
  if (too_large.messages < std::numeric_limits<std::uint16_t>::max()) ++too_large.messages;
  too_large.size = static_cast<std::uint32_t>(size);
  return false;
}

void Recipient::send_5(Message& message, const Selected& selected, mqtt::PublishFlags flags, Time now) {
  const auto given = alias(message, selected);
  const bool is_told_more = message.expires() || selected.identifiers != nullptr || given.number != 0;
  if (!is_told_more) return message.write(*outbox_, flags, level());
  std::string_view topic;
  if (given.number == 0 || given.is_new) topic = message.topic();
  const std::string encoded = properties(message, selected, given.number, now);
  message.write_alone(*outbox_, {.topic = topic,
                                 .qos = flags.qos,
                                 .retain = flags.retain,
                                 .dup = flags.dup,
                                 .packet_identifier = flags.packet_identifier,
                                 .properties = mqtt::Properties(encoded)});
}

Recipient::Alias Recipient::alias(const Message& message, const Selected& selected) {
  if (limits_->topic_alias_maximum == 0) return {};
  GivenAliases& aliases = more().aliases;
  if (const auto known = aliases.use(message.topic())) return {.number = known};
  if (has_packet_limit() &&
      packet_size(message, selected, message.topic(), true) > limits_->max_packet_size) {
    return {};
  }
  return {.number = aliases.give(message.topic(), limits_->topic_alias_maximum), .is_new = true};
}

}  // namespace pubsub_mqtt::session
