#include "pubsub_mqtt/mqtt/reason.h"

#include <algorithm>
#include <array>

#include "reasons_of_packets.h"
#include "wire_format.h"

namespace pubsub_mqtt::mqtt {
namespace {

// MQTT 3.1.1, 3.2.2.3, table 3.1
namespace return_code {
constexpr std::uint8_t unacceptable_protocol_version = 1;
constexpr std::uint8_t identifier_rejected = 2;
constexpr std::uint8_t server_unavailable = 3;
constexpr std::uint8_t bad_user_name_or_password = 4;
constexpr std::uint8_t not_authorized = 5;
}  // namespace return_code

struct Row {
  Reason reason;
  std::string_view name;
  PacketTypes packets;
};

using enum PacketType;

// MQTT 5.0, 2.4, table 2-6
constexpr std::array reasons_table{
    Row{Reason::success, "success",
        types(connack, puback, pubrec, pubrel, pubcomp, suback, unsuback, auth, disconnect)},
    Row{Reason::granted_qos_1, "granted QoS 1", types(suback)},
    Row{Reason::granted_qos_2, "granted QoS 2", types(suback)},
    Row{Reason::disconnect_with_will, "disconnect with will message", types(disconnect)},
    Row{Reason::no_matching_subscribers, "no matching subscribers", types(puback, pubrec)},
    Row{Reason::no_subscription_existed, "no subscription existed", types(unsuback)},
    Row{Reason::continue_authentication, "continue authentication", types(auth)},
    Row{Reason::reauthenticate, "re-authenticate", types(auth)},
    Row{Reason::unspecified_error, "unspecified error",
        types(connack, puback, pubrec, suback, unsuback, disconnect)},
    Row{Reason::malformed_packet, "malformed packet", types(connack, disconnect)},
    Row{Reason::protocol_error, "protocol error", types(connack, disconnect)},
    Row{Reason::implementation_specific_error, "implementation specific error",
        types(connack, puback, pubrec, suback, unsuback, disconnect)},
    Row{Reason::unsupported_protocol_version, "unsupported protocol version", types(connack)},
    Row{Reason::client_identifier_not_valid, "client identifier not valid", types(connack)},
    Row{Reason::bad_user_name_or_password, "bad user name or password", types(connack)},
    Row{Reason::not_authorized, "not authorized",
        types(connack, puback, pubrec, suback, unsuback, disconnect)},
    Row{Reason::server_unavailable, "server unavailable", types(connack)},
    Row{Reason::server_busy, "server busy", types(connack, disconnect)},
    Row{Reason::banned, "banned", types(connack)},
    Row{Reason::server_shutting_down, "server shutting down", types(disconnect)},
    Row{Reason::bad_authentication_method, "bad authentication method", types(connack, disconnect)},
    Row{Reason::keep_alive_timeout, "keep alive timeout", types(disconnect)},
    Row{Reason::session_taken_over, "session taken over", types(disconnect)},
    Row{Reason::topic_filter_invalid, "topic filter invalid", types(suback, unsuback, disconnect)},
    Row{Reason::topic_name_invalid, "topic name invalid", types(connack, puback, pubrec, disconnect)},
    Row{Reason::packet_identifier_in_use, "packet identifier in use",
        types(puback, pubrec, suback, unsuback)},
    Row{Reason::packet_identifier_not_found, "packet identifier not found", types(pubrel, pubcomp)},
    Row{Reason::receive_maximum_exceeded, "receive maximum exceeded", types(disconnect)},
    Row{Reason::topic_alias_invalid, "topic alias invalid", types(disconnect)},
    Row{Reason::packet_too_large, "packet too large", types(connack, disconnect)},
    Row{Reason::message_rate_too_high, "message rate too high", types(disconnect)},
    Row{Reason::quota_exceeded, "quota exceeded", types(connack, puback, pubrec, suback, disconnect)},
    Row{Reason::administrative_action, "administrative action", types(disconnect)},
    Row{Reason::payload_format_invalid, "payload format invalid", types(connack, puback, pubrec, disconnect)},
    Row{Reason::retain_not_supported, "retain not supported", types(connack, disconnect)},
    Row{Reason::qos_not_supported, "QoS not supported", types(connack, disconnect)},
    Row{Reason::use_another_server, "use another server", types(connack, disconnect)},
    Row{Reason::server_moved, "server moved", types(connack, disconnect)},
    Row{Reason::shared_subscriptions_not_supported, "shared subscriptions not supported",
        types(suback, disconnect)},
    Row{Reason::connection_rate_exceeded, "connection rate exceeded", types(connack, disconnect)},
    Row{Reason::maximum_connect_time, "maximum connect time", types(disconnect)},
    Row{Reason::subscription_identifiers_not_supported, "subscription identifiers not supported",
        types(suback, disconnect)},
    Row{Reason::wildcard_subscriptions_not_supported, "wildcard subscriptions not supported",
        types(suback, disconnect)},
};

const Row* find(Reason reason) {
  const auto* const row = std::ranges::find(reasons_table, reason, &Row::reason);
  return row == reasons_table.end() ? nullptr : row;
}

}  // namespace

std::string_view name(Reason reason) {
  const Row* row = find(reason);
  return row == nullptr ? std::string_view() : row->name;
}

bool is_reason_of(PacketType type, Reason reason) {
  const Row* row = find(reason);
  return row != nullptr && (row->packets & types(type)) != 0;
}

std::uint8_t connect_return_code(Reason reason) {
  switch (reason) {
    case Reason::success:
      return 0;
    case Reason::unsupported_protocol_version:
      return return_code::unacceptable_protocol_version;
    case Reason::client_identifier_not_valid:
      return return_code::identifier_rejected;
    case Reason::bad_user_name_or_password:
      return return_code::bad_user_name_or_password;
    case Reason::not_authorized:
    case Reason::banned:
      return return_code::not_authorized;
    default:
      return return_code::server_unavailable;
  }
}

Reason reason_of_connect_return_code(std::uint8_t code) {
  switch (code) {
    case 0:
      return Reason::success;
    case return_code::unacceptable_protocol_version:
      return Reason::unsupported_protocol_version;
    case return_code::identifier_rejected:
      return Reason::client_identifier_not_valid;
    case return_code::server_unavailable:
      return Reason::server_unavailable;
    case return_code::bad_user_name_or_password:
      return Reason::bad_user_name_or_password;
    case return_code::not_authorized:
      return Reason::not_authorized;
    default:
      return Reason::unspecified_error;
  }
}

std::uint8_t suback_return_code(Reason reason) {
  return static_cast<std::uint8_t>(is_error(reason) ? Reason::unspecified_error : reason);
}

}  // namespace pubsub_mqtt::mqtt
