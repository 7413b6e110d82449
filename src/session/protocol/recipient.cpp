#include "protocol/recipient.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::session {
namespace {

using Id = mqtt::PropertyIdentifier;

constexpr std::size_t size_of_alias = 3;  // as a property

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

}  // namespace

void Recipient::attach(Outbox& outbox, std::unique_ptr<const ClientLimits> limits,
                       std::size_t max_topic_aliases) noexcept {
  outbox_ = &outbox;
  limits_ = std::move(limits);
  const std::size_t taken = limits_ == nullptr ? 0 : limits_->topic_alias_maximum;
  most_aliases_ = static_cast<std::uint16_t>(std::min(taken, max_topic_aliases));
  aliases_.reset();  // those of one connection mean nothing on another [MQTT5-3.3.2-7]
}

void Recipient::detach() noexcept {
  outbox_ = nullptr;
  limits_.reset();
  aliases_.reset();
}

Recipient::TooLarge Recipient::take_too_large() { return std::exchange(too_large_, {}); }

// With its topic, so that it can be sent again on another connection.
std::size_t Recipient::packet_size(const Message& message, const Selected& selected, Time now) const {
  const std::string encoded = properties(message, selected, 0, now);
  return mqtt::packet_size(
      {.topic = message.topic(), .qos = selected.qos, .properties = mqtt::Properties(encoded)},
      message.payload().size(), level());
}

bool Recipient::is_within_limit(const Message& message, const Selected& selected, Time now) {
  const std::size_t size = packet_size(message, selected, now);
  if (size <= limits_->max_packet_size) return true;
  if (too_large_.messages < std::numeric_limits<std::uint16_t>::max()) ++too_large_.messages;
  too_large_.size = static_cast<std::uint32_t>(size);
  return false;
}

void Recipient::send_5(Message& message, const Selected& selected, mqtt::PublishFlags flags, Time now) {
  const auto given = alias(message, selected, now);
  const bool is_told_more = message.expires() || selected.identifiers != nullptr || given.number != 0;
  if (!is_told_more) return message.write(*outbox_, flags, level());
  const bool has_topic = given.number == 0 || given.is_new;
  const std::string encoded = properties(message, selected, given.number, now);
  message.write_alone(*outbox_, {.topic = has_topic ? std::string_view(message.topic()) : std::string_view(),
                                 .qos = flags.qos,
                                 .retain = flags.retain,
                                 .dup = flags.dup,
                                 .packet_identifier = flags.packet_identifier,
                                 .properties = mqtt::Properties(encoded)});
}

Recipient::Alias Recipient::alias(const Message& message, const Selected& selected, Time now) {
  if (most_aliases_ == 0) return {};
  if (aliases_ == nullptr) aliases_ = std::make_unique<GivenAliases>();
  if (const auto known = aliases_->find(message.topic())) return {.number = known};
  if (packet_size(message, selected, now) + size_of_alias > limits_->max_packet_size) return {};
  return {.number = aliases_->give(message.topic(), most_aliases_), .is_new = true};
}

}  // namespace pubsub_mqtt::session
