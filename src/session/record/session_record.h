// All that a session is, apart from the connection that its client has now: what outlives a connection where the
// client wants that (MQTT 3.1.1, 3.1.2.4 and 4.1). A value that can be taken out of one session and given to
// another, in this process or a later one. Network thread only.
#pragma once

#include <memory>
#include <optional>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/publication.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "record/outgoing.h"
#include "record/received_identifiers.h"
#include "record/session_key.h"
#include "record/subscriptions.h"

namespace pubsub_mqtt::session {

struct SessionRecord {
  SessionKey key;
  // The session ends with its connection, and nothing of it is used again [MQTT-3.1.2-6].
  bool clean = true;
  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1;  // of the newest connection
  bool is_bridge = false;                                       // likewise
  // When the session was first seen without a connection; its expiry counts from there.
  std::optional<Time> offline_since = {};
  Subscriptions subscriptions = {};
  Outgoing outgoing = {};             // queued, and in flight
  ReceivedIdentifiers received = {};  // of QoS 2
  // Of a client that is connected; nullptr: none [MQTT-3.1.2-8].
  std::unique_ptr<Publication> will = {};
};

}  // namespace pubsub_mqtt::session
