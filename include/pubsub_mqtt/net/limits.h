// Who is let in, with the defaults of docs/configuration.md. Set once, before the network thread starts.
#pragma once

#include <chrono>
#include <cstddef>

namespace pubsub_mqtt::net {

// All at least 1.
struct Limits {
  std::size_t max_connections = 10000;  // mqtt_max_connections
  // From one address, of IPv6 from one /64. Loopback is exempt: behind a proxy everybody comes from there.
  std::size_t max_connections_per_address = 1000;  // mqtt_max_connections_per_address
  std::size_t max_connection_rate =
      20;  // mqtt_max_connection_rate, a second and address; ten seconds at once
  // A second, of all addresses together; one second's worth at once. A handshake beyond it waits;
  // mqtt_connect_timeout counts.
  std::size_t max_tls_handshake_rate = 200;  // mqtt_max_tls_handshake_rate
  // What goes beyond one of the above is logged when it begins, and counted for so long.
  std::chrono::milliseconds warning_interval = std::chrono::minutes(1);
};

}  // namespace pubsub_mqtt::net
