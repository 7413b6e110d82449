// Clients with many filters that nothing matches.
#pragma once

#include "idle_clients.h"

namespace pubsub_mqtt::bench {

inline constexpr std::size_t filter_clients = 100;

// Each client subscribes to its share of `count` filters, each on a node of its own that does not exist.
// Returns when all are granted.
void subscribe_to_others(EventLoop& loop, const IdleClients& clients, std::size_t count);

}  // namespace pubsub_mqtt::bench
