// Connections that nothing comes from: their memory, and how fast they come to be.
#include <unistd.h>

#include "idle_clients.h"
#include "monotonic_time.h"
#include "mosquitto.h"
#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

// So many that what the server needs while it lets them in does not count.
constexpr std::size_t connections = 10000;

// Their memory counts for the first ones, which have the server allocate what all share.
constexpr std::size_t first_connections = 10;

// Clients that come back after a power cut.
constexpr std::size_t returning_clients = 5000;

Sample measure_memory(const Server& server, std::uint16_t port, mqtt::ProtocolLevel level, SSL_CTX* tls,
                      std::size_t wanted) {
  const std::size_t count = possible_clients(wanted);
  EventLoop loop;
  IdleClients clients;
  connect_clients(loop, port, level, tls, first_connections, clients);
  const std::size_t before = server.resident_bytes();
  connect_clients(loop, port, level, tls, count, clients);
  usleep(500'000);  // what the server still has to tidy up
  const std::size_t after = server.resident_bytes();
  return {.value = (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(count),
          .resident_bytes = server.peak_resident_bytes()};
}

Sample measure_plain(const Server& server, const Settings& settings) {
  return measure_memory(server, server.mqtt_port(), settings.level, nullptr, connections);
}

Sample measure_tls(const Server& server, const Settings& settings) {
  const TlsContext tls = make_tls_context();
  return measure_memory(server, server.mqtt_tls_port(), settings.level, tls.get(), connections);
}

Sample measure_rate(const Server& server, const Settings& settings) {
  const std::size_t count = possible_clients(connections);
  EventLoop loop;
  IdleClients clients;
  const std::uint64_t start = monotonic_time();
  connect_clients(loop, server.mqtt_port(), settings.level, nullptr, count, clients);
  return {.value = static_cast<double>(count) / seconds(monotonic_time() - start),
          .resident_bytes = server.peak_resident_bytes()};
}

Sample measure_cost(const Server& server, const Settings& settings) {
  const std::size_t count = possible_clients(connections);
  EventLoop loop;
  IdleClients clients;
  const double before = server.processor_seconds();
  connect_clients(loop, server.mqtt_port(), settings.level, nullptr, count, clients);
  return {.value = static_cast<double>(count) / (server.processor_seconds() - before),
          .resident_bytes = server.peak_resident_bytes()};
}

Sample measure_return(const Server& server, const Settings& settings) {
  const TlsContext tls = make_tls_context();
  const std::size_t count = possible_clients(returning_clients);
  EventLoop loop;
  IdleClients clients;
  const std::uint64_t start = monotonic_time();
  connect_clients(loop, server.mqtt_tls_port(), settings.level, tls.get(), count, clients, count);
  return {.value = seconds(monotonic_time() - start), .resident_bytes = server.peak_resident_bytes()};
}

Row row(std::string name, std::string what, std::string unit, Target target,
        Sample (*measure)(const Server&, const Settings&)) {
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = std::move(unit),
          .targets = {target},
          .prepare = [measure](const Settings& settings) {
            return Sides{.subject = [=] { return measure(Prosody(), settings); },
                         .reference = [=] { return measure(Mosquitto(), settings); }};
          }};
}

}  // namespace

std::vector<Row> idle_rows() {
  using enum Target::Figure;
  using enum Target::Bound;
  return {row("idle_plain", "memory of 10,000 idle connections", "bytes each", {value, at_most, 1000},
              measure_plain),
          row("idle_tls", "memory of 10,000 idle connections over TLS", "bytes each", {ratio, at_most, 1},
              measure_tls),
          row("connect_rate", "CONNECT until CONNACK, 10,000 clients, 50 at a time", "connections a second",
              {ratio, at_least, 1}, measure_rate),
          row("connect_cost", "the same, by the server's processor time", "connections a second of it",
              {ratio, at_least, 1}, measure_cost),
          row("return_tls", "CONNECT until CONNACK over TLS of 5,000 clients that come all at once",
              "seconds for all", {ratio, at_most, 1.2}, measure_return)};
}

}  // namespace pubsub_mqtt::bench
