// Which CONNECTs the server refuses by itself: before Prosody is asked who the client is, and where nobody is. Network
// thread only.
#pragma once

#include <optional>
#include <string_view>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/mqtt/reason.h"
#include "pubsub_mqtt/session/peer.h"

namespace pubsub_mqtt::session {

struct Refusal {
  mqtt::Reason reason = mqtt::Reason::not_authorized;
  std::string_view why;  // a string literal: for the log, and for clients of 5.0
  LogLevel level = LogLevel::debug;
};

// An empty one is none: some libraries send it for clients that have no login.
bool has_user_name(const mqtt::Connect& connect);

// For its client identifier, or for a password that anybody could read on the way. Returns nullopt where it is not
// refused. A client of 5.0 without an identifier has been assigned one.
std::optional<Refusal> refusal(const mqtt::Connect& connect, const Peer& peer, const Limits& limits);

// Where the client has no login. Returns nullopt where it needs none.
std::optional<Refusal> refusal_without_login(const Peer& peer, const Limits& limits);

}  // namespace pubsub_mqtt::session
