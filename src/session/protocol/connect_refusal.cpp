#include "protocol/connect_refusal.h"

namespace pubsub_mqtt::session {
namespace {

bool may_send_password(const Peer& peer, const Limits& limits) {
  return peer.is_encrypted || peer.is_loopback || limits.passwords_in_the_clear;
}

// A user name comes with a password, but for an exchange, in which no password is sent.
bool sends_password(const mqtt::Connect& connect) {
  const bool has_method =
      connect.properties.bytes(mqtt::PropertyIdentifier::authentication_method).has_value();
  return has_method ? connect.password.has_value() : has_user_name(connect);
}

}  // namespace

bool has_user_name(const mqtt::Connect& connect) { return connect.user_name && !connect.user_name->empty(); }

std::optional<Refusal> refusal(const mqtt::Connect& connect, const Peer& peer, const Limits& limits) {
  using mqtt::Reason;
  const bool speaks_3_1 = connect.level == mqtt::ProtocolLevel::mqtt_3_1;
  if (connect.client_identifier.empty() && (speaks_3_1 || !connect.clean_session)) {
    return Refusal{.reason = Reason::client_identifier_not_valid,
                   .why = speaks_3_1 ? "an empty client identifier, which MQTT 3.1 does not have"
                                     : "an empty client identifier needs a clean session [MQTT-3.1.3-8]"};
  }
  if (connect.client_identifier.size() > limits.max_client_identifier_length) {
    return Refusal{.reason = Reason::client_identifier_not_valid,
                   .why = "a client identifier longer than mqtt_max_client_identifier_length"};
  }
  if (sends_password(connect) && !may_send_password(peer, limits)) {
    return Refusal{.reason = Reason::not_authorized,
                   .why =
                       "a user name on an unencrypted connection: use TLS (mqtt_tls_ports), or set "
                       "mqtt_require_encryption = false",
                   .level = LogLevel::warn};
  }
  return std::nullopt;
}

std::optional<Refusal> refusal_without_login(const Peer& peer, const Limits& limits) {
  const auto refused = [](std::string_view why) {
    return Refusal{.reason = mqtt::Reason::not_authorized, .why = why, .level = LogLevel::info};
  };
  if (limits.anonymous == Anonymous::from_nowhere) {
    return refused("no user name, and mqtt_allow_anonymous = false lets in no client without login");
  }
  if (peer.websocket == WebSocketOrigin::any_host_name) {
    return refused(
        "no user name, from a page whose host is none of Prosody's: give Prosody that host, or list the "
        "page's "
        "origin in mqtt_websocket_origins");
  }
  if (limits.anonymous == Anonymous::from_everywhere) return std::nullopt;
  if (peer.websocket != WebSocketOrigin::none) {
    return refused(
        "no user name: over WebSocket clients without login are let in with mqtt_allow_anonymous = true "
        "only");
  }
  if (peer.is_loopback) return std::nullopt;
  return refused(
      "no user name: clients without login are let in from loopback only, unless mqtt_allow_anonymous = "
      "true");
}

}  // namespace pubsub_mqtt::session
