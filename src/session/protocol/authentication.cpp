#include "protocol/authentication.h"

#include <utility>

namespace pubsub_mqtt::session {
namespace {

using Id = mqtt::PropertyIdentifier;

}  // namespace

Authentication::Authentication(LoginClient client, std::string_view method)
    : method_(method), client_(std::move(client)) {
  client_.name = {};  // what the log says is given with each request
}

AuthRequest Authentication::begin(std::string name, const mqtt::Properties& properties, Time now) {
  turn_ = Turn::prosody;
  began_at_ = now;
  AuthRequest request{.client = client_, .method = method_};
  request.client.name = std::move(name);
  if (const auto data = properties.bytes(Id::authentication_data)) request.data.emplace(*data);
  return request;
}

Violation Authentication::fault(const mqtt::Auth& auth, bool is_connected) const {
  if (auth.properties.bytes(Id::authentication_method) != method_) {
    return BrokenRule{"AUTH with another method than CONNECT's, or none [MQTT5-4.12.0-5, MQTT5-4.12.1-1]"};
  }
  if (auth.reason == mqtt::Reason::reauthenticate) {
    if (!is_connected) return BrokenRule{"AUTH that authenticates again, before CONNACK [MQTT5-4.12.0-3]"};
    if (turn_ != Turn::none) return BrokenRule{"AUTH that authenticates again, while that is under way"};
    return std::nullopt;
  }
  if (auth.reason != mqtt::Reason::continue_authentication) {
    return BrokenRule{"AUTH with a reason that a client may not send (5.0, 3.15.2.1)"};
  }
  if (turn_ != Turn::client) return BrokenRule{"AUTH that continues what is not under way, or out of turn"};
  return std::nullopt;
}

AuthResponse Authentication::go_on(const mqtt::Auth& auth) {
  turn_ = Turn::prosody;
  return {.connection = client_.connection,
          .data = Secret(auth.properties.bytes(Id::authentication_data).value_or(""))};
}

void Authentication::replied(mqtt::Reason reason) {
  turn_ = reason == mqtt::Reason::continue_authentication ? Turn::client : Turn::none;
}

bool Authentication::leave() { return std::exchange(turn_, Turn::none) != Turn::none; }

std::optional<Time> Authentication::began_at() const {
  return turn_ == Turn::none ? std::nullopt : std::optional(began_at_);
}

void Authentication::append_properties(std::string_view data, std::string& properties) const {
  const std::string_view method = method_;
  mqtt::append({.identifier = Id::authentication_method, .value = method}, properties);
  if (!data.empty()) mqtt::append({.identifier = Id::authentication_data, .value = data}, properties);
}

mqtt::Reason reason_to_disconnect(mqtt::Reason reason) {
  switch (reason) {
    case mqtt::Reason::bad_user_name_or_password:
      return mqtt::Reason::not_authorized;
    case mqtt::Reason::server_unavailable:
      return mqtt::Reason::server_busy;
    default:
      return reason;
  }
}

}  // namespace pubsub_mqtt::session
