// Connections that nothing comes from: their memory, and how fast they come to be.
#include "idle_clients.h"
#include "monotonic_time.h"
#include "mosquitto.h"
#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::size_t connections = idle_connections;

// Clients that come back after a power cut.
constexpr std::size_t returning_clients = 5000;

Sample measure_plain(const Server& server, const Settings& settings) {
  return idle_memory(server, server.mqtt_port(), settings.level, nullptr);
}

Sample measure_tls(const Server& server, const Settings& settings) {
  const TlsContext tls = make_tls_context();
  return idle_memory(server, server.mqtt_tls_port(), settings.level, tls.get());
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
