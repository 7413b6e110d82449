// All that a session is, apart from the connection that its client has now: what outlives a connection where the
// client wants that (MQTT 3.1.1, 3.1.2.4 and 4.1). A value that can be taken out of one session and given to
// another, in this process or a later one. Network thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/peer.h"
#include "record/outgoing.h"
#include "record/received_identifiers.h"
#include "record/session_key.h"
#include "record/subscriptions.h"
#include "record/will.h"

namespace pubsub_mqtt::session {

struct SessionRecord {
  // For how long the session outlives its connection, within Limits::session_expiry. 0: it ends with its connection,
  // and nothing of it is used again [MQTT-3.1.2-6, MQTT5-3.1.2-23].
  std::chrono::duration<std::uint32_t> expiry{0};
  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1;  // of the newest connection
  bool is_bridge = false;                                       // likewise
  bool has_options = false;              // Subscriptions::have_options(), which each message asks for
  Transport transport = Transport::tcp;  // likewise
  // When its connection began, or where it has none, ended: from there its expiry and the delay of its will count.
  Time since{0};
  Subscriptions subscriptions = {};
  Outgoing outgoing = {};             // queued, and in flight
  ReceivedIdentifiers received = {};  // of QoS 2
  // Of a client that is connected, or that went so recently that it still waits; nullptr: none [MQTT-3.1.2-8].
  std::unique_ptr<Will> will = {};
  SessionKey key = {};
};

}  // namespace pubsub_mqtt::session
