// Who is let in, with the defaults of docs/configuration.md. Set once, before the network thread starts.
#pragma once

#include <cstddef>

namespace pubsub_mqtt::net {

struct Limits {
  std::size_t max_connections = 10000;  // mqtt_max_connections
  // From one address, of IPv6 from one /64. Loopback is exempt: behind a proxy everybody comes from there.
  std::size_t max_connections_per_address = 1000;  // mqtt_max_connections_per_address
  std::size_t max_connection_rate = 20;            // a second and address; ten seconds' worth at once
  // A second, of all addresses together. A handshake beyond it waits; mqtt_connect_timeout counts.
  std::size_t max_tls_handshake_rate = 200;  // mqtt_max_tls_handshake_rate
};

}  // namespace pubsub_mqtt::net
