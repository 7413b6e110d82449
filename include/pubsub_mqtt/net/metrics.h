// What an administrator wants to know of the network thread (docs/metrics.md). Plain values; any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/metrics.h"
#include "pubsub_mqtt/session/peer.h"

namespace pubsub_mqtt::net {

using session::Transport;

// Connected clients, by how they come to us: what a proxy does for them counts as the proxy's.
class Clients {
 public:
  static constexpr std::size_t transports = 4;
  static constexpr std::size_t versions = 3;

  void add(Transport transport, mqtt::ProtocolLevel level) {
    ++counts_[static_cast<std::size_t>(transport)][index(level)];
  }
  std::size_t of(Transport transport, mqtt::ProtocolLevel level) const {
    return counts_[static_cast<std::size_t>(transport)][index(level)];
  }

 private:
  static std::size_t index(mqtt::ProtocolLevel level) {
    return static_cast<std::size_t>(level) - static_cast<std::size_t>(mqtt::ProtocolLevel::mqtt_3_1);
  }

  std::array<std::array<std::size_t, versions>, transports> counts_{};
};

// Connections that were let in, and those that were closed at once, by what did not let them in.
struct Arrivals {
  std::uint64_t admitted = 0;
  std::uint64_t too_many = 0;             // mqtt_max_connections
  std::uint64_t too_many_of_address = 0;  // mqtt_max_connections_per_address
  std::uint64_t too_fast = 0;             // mqtt_max_connection_rate
  std::uint64_t no_descriptor = 0;        // those that are left are Prosody's
};

// TLS handshakes that have ended.
struct Handshakes {
  std::uint64_t full = 0;
  std::uint64_t resumed = 0;
  std::uint64_t failed = 0;
  std::chrono::nanoseconds processor_time{0};  // of all
};

struct Metrics {
  session::Metrics sessions;
  Clients clients;
  Arrivals arrivals;
  Handshakes handshakes;
};

}  // namespace pubsub_mqtt::net
