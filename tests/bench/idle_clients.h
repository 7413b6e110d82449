// Many clients that connect and stay.
#pragma once

#include <memory>
#include <vector>

#include "mqtt_client.h"
#include "row.h"
#include "server.h"

namespace pubsub_mqtt::bench {

using IdleClients = std::vector<std::unique_ptr<MqttClient>>;

// As many as are wanted, or as this process and Prosody may have open files for.
std::size_t possible_clients(std::size_t wanted);

// Clients that wait for CONNACK at a time: fewer than fit into mosquitto's queue of new connections.
inline constexpr std::size_t connecting_at_a_time = 50;

// Adds as many to `clients`, so many at a time. Returns when each has its CONNACK. `tls` may be nullptr: plain
// TCP.
void connect_clients(EventLoop& loop, const Endpoint& endpoint, mqtt::ProtocolLevel level, SSL_CTX* tls,
                     std::size_t count, IdleClients& clients, std::size_t at_a_time = connecting_at_a_time);

// So many that what the server needs while it lets them in does not count.
inline constexpr std::size_t idle_connections = 10000;

// The sample's value is the server's memory for each of so many that stay, where one of its ports is `endpoint`.
Sample idle_memory(const Server& server, const Endpoint& endpoint, mqtt::ProtocolLevel level, SSL_CTX* tls);

}  // namespace pubsub_mqtt::bench
