#include "protocol/connect_properties.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace pubsub_mqtt::session {
namespace {

using Id = mqtt::PropertyIdentifier;

constexpr std::size_t greatest_receive_maximum = 65535;

void append(Id identifier, std::size_t value, std::string& properties) {
  mqtt::append({.identifier = identifier, .value = static_cast<std::uint32_t>(value)}, properties);
}

}  // namespace

std::unique_ptr<const ClientLimits> client_limits(const mqtt::Connect& connect) {
  if (connect.level != mqtt::ProtocolLevel::mqtt_5) return nullptr;
  auto limits = std::make_unique<ClientLimits>();
  const auto& properties = connect.properties;
  const auto two_bytes = [&](Id identifier, std::uint16_t otherwise) {
    return static_cast<std::uint16_t>(properties.integer(identifier).value_or(otherwise));
  };
  limits->receive_maximum = two_bytes(Id::receive_maximum, limits->receive_maximum);
  limits->max_packet_size = properties.integer(Id::maximum_packet_size).value_or(limits->max_packet_size);
  limits->topic_alias_maximum = two_bytes(Id::topic_alias_maximum, limits->topic_alias_maximum);
  limits->problem_information = properties.integer(Id::request_problem_information).value_or(1) != 0;
  return limits;
}

// Maximum QoS, Retain Available and the like are left out, which says that all of that is served.
std::string connack_properties(const Limits& limits) {
  std::string properties;
  if (limits.max_pending_publishes < greatest_receive_maximum) {
    append(Id::receive_maximum, limits.max_pending_publishes, properties);
  }
  if (limits.max_packet_size < largest_packet) {
    append(Id::maximum_packet_size, limits.max_packet_size, properties);
  }
  return properties;
}

}  // namespace pubsub_mqtt::session
