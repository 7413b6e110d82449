#include "idle_clients.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace pubsub_mqtt::bench {
namespace {

// Their memory does not count: the server allocates what all share.
constexpr std::size_t first_connections = 10;

}  // namespace

// The gateway leaves the last tenth of the open files to Prosody (docs/configuration.md).
std::size_t possible_clients(std::size_t wanted) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return std::min<std::size_t>(wanted, files.rlim_max - files.rlim_max / 10 - 200);
}

void connect_clients(EventLoop& loop, const Endpoint& endpoint, mqtt::ProtocolLevel level, SSL_CTX* tls,
                     std::size_t count, IdleClients& clients, std::size_t at_a_time) {
  const std::size_t end = clients.size() + count;
  std::size_t connected = clients.size();
  const auto is_there = [&] {
    while (connected < clients.size() && clients[connected]->connected()) ++connected;
    return connected == clients.size() || clients.size() - connected < at_a_time;
  };
  while (clients.size() < end) {
    loop.run_until(is_there, "CONNACK");
    const std::string client_identifier = "idle" + std::to_string(clients.size());
    clients.push_back(std::make_unique<MqttClient>(
        loop, endpoint, mqtt::Connect{.level = level, .client_identifier = client_identifier}, tls));
  }
  loop.run_until([&] { return is_there() && connected == clients.size(); }, "CONNACK");
}

Sample idle_memory(const Server& server, const Endpoint& endpoint, mqtt::ProtocolLevel level, SSL_CTX* tls) {
  const std::size_t count = possible_clients(idle_connections);
  EventLoop loop;
  IdleClients clients;
  connect_clients(loop, endpoint, level, tls, first_connections, clients);
  const std::size_t before = server.resident_bytes();
  connect_clients(loop, endpoint, level, tls, count, clients);
  usleep(500'000);  // what the server still has to tidy up
  const std::size_t after = server.resident_bytes();
  return {.value = (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(count),
          .resident_bytes = server.peak_resident_bytes()};
}

}  // namespace pubsub_mqtt::bench
