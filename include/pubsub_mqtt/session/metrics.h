// What an administrator wants to know of all clients together (docs/metrics.md): counters, which only grow, and what
// there is at one moment. Plain values: the network thread counts in its own, without a lock, and hands copies over
// (net::Network::metrics()).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pubsub_mqtt/mqtt/counts_by_reason.h"
#include "pubsub_mqtt/mqtt/qos.h"

namespace pubsub_mqtt::session {

// PUBLISH packets, and the bytes of their payloads, by QoS.
class Publishes {
 public:
  struct Count {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };

  void add(mqtt::QoS qos, std::size_t payload) {
    Count& count = by_qos_[static_cast<std::size_t>(qos)];
    ++count.messages;
    count.bytes += payload;
  }
  const std::array<Count, 3>& by_qos() const { return by_qos_; }

 private:
  std::array<Count, 3> by_qos_{};
};

// Why a message was dropped that was for a client.
enum class Dropped : std::uint8_t {
  queue_full,       // mqtt_max_queued_messages, mqtt_max_queued_bytes
  all_queues_full,  // mqtt_max_total_queued_bytes
  too_slow,         // mqtt_max_outbound_bytes, at QoS 0
  too_large,        // the client's Maximum Packet Size
  expired,          // its Message Expiry Interval
};
inline constexpr std::size_t dropped_count = 5;

struct Counters {
  // MQTT's own: without TLS and WebSocket.
  std::uint64_t received_packets = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_packets = 0;
  std::uint64_t sent_bytes = 0;
  Publishes received;
  Publishes sent;
  std::uint64_t published_directly = 0;  // past Prosody's thread
  std::array<std::uint64_t, dropped_count> dropped{};
  std::uint64_t connects = 0;  // CONNECT packets
  mqtt::CountsByReason refused_connects;
  mqtt::CountsByReason logins;  // how they ended; success among them
  std::uint64_t expired_sessions = 0;

  void drop(Dropped why, std::uint64_t messages = 1) { dropped[static_cast<std::size_t>(why)] += messages; }
};

// What there is now, of all sessions.
struct Present {
  std::size_t connected = 0;
  std::size_t away = 0;
  std::size_t subscriptions = 0;         // that are not shared
  std::size_t shared_subscriptions = 0;  // of sessions to groups
  std::size_t shared_groups = 0;
  std::size_t queued_messages = 0;
  std::size_t queued_bytes = 0;
  std::size_t in_flight = 0;  // messages that were sent to clients, and are not acknowledged
  std::size_t withheld = 0;   // acknowledgements to clients that wait for the store, or for subscribers
};

struct Metrics {
  Counters counters;
  Present present;
};

}  // namespace pubsub_mqtt::session
