#include "protocol/connect_properties.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace pubsub_mqtt::session {
namespace {

using Id = mqtt::PropertyIdentifier;

constexpr std::size_t greatest_receive_maximum = 65535;

void append(Id identifier, std::size_t value, std::string& properties) {
  mqtt::append({.identifier = identifier, .value = static_cast<std::uint32_t>(value)}, properties);
}

// Of a client of 5.0.
Seconds asked_expiry(const mqtt::Connect& connect) {
  return Seconds(connect.properties.integer(Id::session_expiry_interval).value_or(0));
}

}  // namespace

std::unique_ptr<const ClientLimits> client_limits(const mqtt::Connect& connect, const Limits& ours) {
  if (connect.level != mqtt::ProtocolLevel::mqtt_5) return nullptr;
  auto limits = std::make_unique<ClientLimits>();
  const auto& properties = connect.properties;
  const auto two_bytes = [&](Id identifier, std::uint16_t otherwise) {
    return static_cast<std::uint16_t>(properties.integer(identifier).value_or(otherwise));
  };
  limits->receive_maximum = two_bytes(Id::receive_maximum, limits->receive_maximum);
  limits->max_packet_size = properties.integer(Id::maximum_packet_size).value_or(limits->max_packet_size);
  limits->topic_alias_maximum = static_cast<std::uint16_t>(
      std::min<std::size_t>(two_bytes(Id::topic_alias_maximum, 0), ours.max_topic_aliases));
  limits->server_topic_alias_maximum = static_cast<std::uint16_t>(ours.max_topic_aliases);
  limits->problem_information = properties.integer(Id::request_problem_information).value_or(1) != 0;
  return limits;
}

Seconds granted_expiry(Seconds asked, const Limits& limits) {
  return std::min<Seconds>(asked, std::chrono::duration_cast<Seconds>(limits.session_expiry));
}

Seconds granted_expiry(const mqtt::Connect& connect, const Limits& limits) {
  if (connect.level == mqtt::ProtocolLevel::mqtt_5) return granted_expiry(asked_expiry(connect), limits);
  return connect.clean_session ? Seconds(0) : Seconds::max();
}

KeepAlive granted_keep_alive(const mqtt::Connect& connect, const Limits& limits) {
  const KeepAlive asked(connect.keep_alive);
  const auto longest = std::chrono::duration_cast<KeepAlive>(limits.max_keep_alive);
  if (connect.level != mqtt::ProtocolLevel::mqtt_5 || longest.count() == 0) return asked;
  return asked.count() == 0 ? longest : std::min(asked, longest);
}

std::unique_ptr<Will> will_of(const mqtt::Connect& connect) {
  const auto& said = connect.will;
  if (!said) return nullptr;
  auto will =
      std::make_unique<Will>(Will{.publication = {.topic = std::string(said->topic),
                                                  .payload = std::string(said->payload),
                                                  .envelope = {.qos = said->qos, .retain = said->retain}}});
  will->delay = Seconds(said->properties.integer(Id::will_delay_interval).value_or(0));
  if (const auto expiry = said->properties.integer(Id::message_expiry_interval))
    will->expiry = Seconds(*expiry);
  if (auto properties = mqtt::forwarded(said->properties); !properties.empty()) {
    will->publication.envelope.properties = std::make_shared<const std::string>(std::move(properties));
  }
  return will;
}

// Maximum QoS, Retain Available and the like are left out, which says that all of that is served.
std::string connack_properties(const mqtt::Connect& connect, const Limits& limits,
                               std::string_view assigned_identifier) {
  std::string properties;
  if (connect.level != mqtt::ProtocolLevel::mqtt_5) return properties;
  const Seconds asked = asked_expiry(connect);
  if (const Seconds granted = granted_expiry(asked, limits); granted != asked) {
    append(Id::session_expiry_interval, granted.count(), properties);
  }
  if (!assigned_identifier.empty()) {
    mqtt::append({.identifier = Id::assigned_client_identifier, .value = assigned_identifier}, properties);
  }
  if (limits.max_pending_publishes < greatest_receive_maximum) {
    append(Id::receive_maximum, limits.max_pending_publishes, properties);
  }
  if (limits.max_packet_size < largest_packet) {
    append(Id::maximum_packet_size, limits.max_packet_size, properties);
  }
  if (const KeepAlive granted = granted_keep_alive(connect, limits); granted.count() != connect.keep_alive) {
    append(Id::server_keep_alive, granted.count(), properties);
  }
  if (limits.max_topic_aliases > 0) append(Id::topic_alias_maximum, limits.max_topic_aliases, properties);
  return properties;
}

}  // namespace pubsub_mqtt::session
