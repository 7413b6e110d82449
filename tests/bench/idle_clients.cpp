#include "idle_clients.h"

#include <sys/resource.h>

#include <algorithm>
#include <string>

namespace pubsub_mqtt::bench {
// The gateway leaves the last tenth of the open files to Prosody (docs/configuration.md).
std::size_t possible_clients(std::size_t wanted) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return std::min<std::size_t>(wanted, files.rlim_max - files.rlim_max / 10 - 200);
}

void connect_clients(EventLoop& loop, std::uint16_t port, mqtt::ProtocolLevel level, SSL_CTX* tls,
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
        loop, port, mqtt::Connect{.level = level, .client_identifier = client_identifier}, tls));
  }
  loop.run_until([&] { return is_there() && connected == clients.size(); }, "CONNACK");
}

}  // namespace pubsub_mqtt::bench
