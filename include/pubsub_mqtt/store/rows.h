// What the store keeps, a row for each thing. Values; any thread.
//
// Numbers of sessions, audiences and messages come from one count that never goes back, in this process or a later
// one: none is used twice. Moments are of the store's clock (Store::now()), since they must outlive the process.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "pubsub_mqtt/boundary/publication.h"
#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::store {

using RowNumber = std::uint64_t;  // fits in SQLite's 63 bits

// Since 1970. Of retained messages it is the wall clock's.
using WallTime = std::chrono::milliseconds;

// A session that outlives its connection, or has: where it is away with an expiry of 0, it is over.
struct SessionRow {
  RowNumber number = 0;
  std::string account = {};  // empty: without login
  std::string client_identifier = {};
  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1;
  bool is_bridge = false;
  std::chrono::duration<std::uint32_t> expiry{0};
  std::chrono::duration<std::uint16_t> keep_alive{0};    // of the newest connection
  std::optional<WallTime> offline_since = std::nullopt;  // nullopt: it is connected
};

// All messages for the session up to this number have left its queue, for its window or for nothing.
struct CursorRow {
  RowNumber session = 0;
  RowNumber message = 0;
};

struct FilterRow {
  RowNumber session = 0;
  Subscription subscription = {};
};

// Those for whom a message is kept, and how each receives it: encoded by whoever posts it.
struct AudienceRow {
  RowNumber number = 0;
  std::string members = {};
};

// Where a message stands among all that its audience was ever given: what lies between two of them is known from
// these.
struct Place {
  std::uint64_t messages = 0;  // up to this one, with it
  std::uint64_t bytes = 0;     // of those, as far as they count towards limits
};

struct MessageRow {
  static constexpr WallTime never = WallTime::max();

  RowNumber number = 0;
  RowNumber audience = 0;
  Place place = {};
  bool is_retained = false;  // a SUBSCRIBE has brought it
  // HOST/TYPE/NODE, where that is not the topic that the publication has: it is mounted (topic/mountpoint.h). Else
  // empty.
  std::string full_topic = {};
  // Shared with whoever has it in memory: nobody changes it. Its expires_at and its session are of this process, and
  // mean nothing here.
  std::shared_ptr<const Publication> publication = nullptr;
  WallTime expires_at = never;
};

// A packet identifier that the server has given to a message of the session.
struct InflightRow {
  RowNumber session = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
  RowNumber message = 0;   // 0: at QoS 2, released; PUBCOMP is awaited
  RowNumber position = 0;  // the order in which they were sent, or released
};

// A packet identifier of a message at QoS 2 that the client has published and not released.
struct ReceivedRow {
  RowNumber session = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
};

// A publish at QoS 2 that the client has sent, and that pubsub is asked for: under which id, so that the item is found
// where the client sends the publish again.
struct IntentRow {
  RowNumber session = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
  std::string item = {};
  bool is_published = false;  // pubsub has accepted it
};

// Of a client that is connected, or whose will waits for its delay.
struct WillRow {
  RowNumber session = 0;
  std::chrono::duration<std::uint32_t> delay{0};
  std::optional<std::chrono::duration<std::uint32_t>> expiry =
      std::nullopt;  // of the message, once published
  Publication publication = {};
};

// The same of a client whose session ends with its connection, and is not stored.
struct CleanWillRow {
  RowNumber number = 0;
  std::string account = {};  // empty: without login
  std::string client_identifier = {};
  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1;
  std::chrono::duration<std::uint16_t> keep_alive{0};
  bool is_due = false;  // the connection has ended
  WillRow will = {};    // whose session says nothing
};

}  // namespace pubsub_mqtt::store
