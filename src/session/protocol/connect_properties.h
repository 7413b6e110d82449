// What CONNECT and CONNACK of MQTT 5.0 say beside the fields of 3.1.1 (5.0, 3.1.2.11 and 3.2.2.3). Network thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "record/client_limits.h"
#include "record/will.h"

namespace pubsub_mqtt::session {

// What the client takes; nullptr for a client of 3.1 or 3.1.1, which says nothing of the kind.
std::unique_ptr<const ClientLimits> client_limits(const mqtt::Connect& connect, const Limits& ours);

using Seconds = std::chrono::duration<std::uint32_t>;

// For how long the session may outlive its connection: as the client asks, cut to Limits::session_expiry. What a client
// of 3.1 or 3.1.1 has stored is kept for as long as that limit says, whatever that will be.
Seconds granted_expiry(const mqtt::Connect& connect, const Limits& limits);
Seconds granted_expiry(Seconds asked, const Limits& limits);

using KeepAlive = std::chrono::duration<std::uint16_t>;

// How long the client may be silent, 0 for ever: as it asks, and of 5.0 no longer than Limits::max_keep_alive, which
// CONNACK tells [MQTT5-3.2.2-21].
KeepAlive granted_keep_alive(const mqtt::Connect& connect, const Limits& limits);

// nullptr: none. Without who publishes it.
std::unique_ptr<Will> will_of(const mqtt::Connect& connect);

// Of the CONNACK that accepts the client: what the server takes, and what it gives in another way than it was asked.
std::string connack_properties(const mqtt::Connect& connect, const Limits& limits,
                               std::string_view assigned_identifier);

}  // namespace pubsub_mqtt::session
