// What became of what was asked, as MQTT 5.0 (2.4, table 2-6) names and numbers it: what Prosody's thread answers, and
// what 5.0 clients are told. The writer turns a reason into the few return codes of 3.1 and 3.1.1. Values; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "pubsub_mqtt/mqtt/qos.h"

namespace pubsub_mqtt::mqtt {

enum class Reason : std::uint8_t {
  success = 0x00,  // also: normal disconnection
  granted_qos_0 = success,
  granted_qos_1 = 0x01,
  granted_qos_2 = 0x02,
  disconnect_with_will = 0x04,
  no_matching_subscribers = 0x10,
  no_subscription_existed = 0x11,
  continue_authentication = 0x18,
  reauthenticate = 0x19,
  unspecified_error = 0x80,
  malformed_packet = 0x81,
  protocol_error = 0x82,
  implementation_specific_error = 0x83,
  unsupported_protocol_version = 0x84,
  client_identifier_not_valid = 0x85,
  bad_user_name_or_password = 0x86,
  not_authorized = 0x87,
  server_unavailable = 0x88,  // for now: the same may succeed later
  server_busy = 0x89,
  banned = 0x8A,
  server_shutting_down = 0x8B,
  bad_authentication_method = 0x8C,
  keep_alive_timeout = 0x8D,
  session_taken_over = 0x8E,
  topic_filter_invalid = 0x8F,
  topic_name_invalid = 0x90,
  packet_identifier_in_use = 0x91,
  packet_identifier_not_found = 0x92,
  receive_maximum_exceeded = 0x93,
  topic_alias_invalid = 0x94,
  packet_too_large = 0x95,
  message_rate_too_high = 0x96,
  quota_exceeded = 0x97,
  administrative_action = 0x98,
  payload_format_invalid = 0x99,
  retain_not_supported = 0x9A,
  qos_not_supported = 0x9B,
  use_another_server = 0x9C,
  server_moved = 0x9D,
  shared_subscriptions_not_supported = 0x9E,
  connection_rate_exceeded = 0x9F,
  maximum_connect_time = 0xA0,
  subscription_identifiers_not_supported = 0xA1,
  wildcard_subscriptions_not_supported = 0xA2,
};

// What was asked was not done (2.4).
constexpr bool is_error(Reason reason) { return static_cast<std::uint8_t>(reason) >= 0x80; }

// What SUBACK says of a filter that was granted (3.9.3).
constexpr Reason granted(QoS qos) { return static_cast<Reason>(qos); }

// As the table names it, in lower case: "topic filter invalid".
std::string_view name(Reason reason);

// The CONNACK return code of 3.1 and 3.1.1 (MQTT 3.1.1, 3.2.2.3, table 3.1) that says most of the reason.
std::uint8_t connect_return_code(Reason reason);

// Returns what a CONNACK of 3.1 or 3.1.1 meant.
Reason reason_of_connect_return_code(std::uint8_t code);

// SUBACK's in 3.1.1 (3.9.3): one code stands for every refusal.
std::uint8_t suback_return_code(Reason reason);

}  // namespace pubsub_mqtt::mqtt
