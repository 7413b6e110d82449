// What others notice while strangers ask for as much as they may: a new client, and an XMPP client that pings. And
// what strangers keep in memory.
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "attacker.h"
#include "idle_clients.h"
#include "monotonic_time.h"
#include "mosquitto.h"
#include "prosody.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "rows.h"
#include "service.h"

namespace pubsub_mqtt::bench {
namespace {

using Attackers = std::vector<std::unique_ptr<Attacker>>;

constexpr double shortest = 10;  // seconds: what is left behind is worked off meanwhile
constexpr std::chrono::milliseconds turn_time{1};
constexpr const char* all_nodes = "pubsub.localhost/#";

// Who attacks, how, and whether they leave when everything is sent.
struct Attack {
  int nodes = 0;
  std::size_t attackers = 0;
  Attacker::Sends sends = Attacker::Sends::once;
  bool leave = false;
  std::function<std::string()> bytes;
};

std::string connect_packet() {
  std::string bytes;
  mqtt::write(mqtt::Connect{.client_identifier = ""}, bytes);
  return bytes;
}

// As many filters as 96 kB hold: ten, again and again.
std::string many_filters() {
  std::vector<std::string> filters;
  for (int i = 0; i < 10; ++i) filters.push_back("+/+/" + std::to_string(i));
  mqtt::Subscribe packet{.packet_identifier = 1, .subscriptions = {}};
  for (std::size_t i = 0; i < 12'000; ++i) packet.subscriptions.push_back({.topic_filter = filters[i % 10]});
  std::string bytes = connect_packet();
  mqtt::write(packet, bytes);
  return bytes;
}

// 200 kB of empty elements, four times.
std::string many_elements() {
  std::string payload = "<x>";
  for (int i = 0; i < 49'998; ++i) payload += "<a/>";
  payload += "</x>";
  std::string bytes = connect_packet();
  for (int i = 0; i < 4; ++i) {
    mqtt::write(mqtt::Publish{.topic = "pubsub.localhost/xml/bench1", .payload = payload}, bytes);
  }
  return bytes;
}

std::string subscribe_to_all() {
  std::string bytes;
  mqtt::write(mqtt::Subscribe{.packet_identifier = 1, .subscriptions = {{.topic_filter = all_nodes}}}, bytes);
  return bytes;
}

std::string subscribe_and_unsubscribe() {
  std::string bytes = subscribe_to_all();
  mqtt::write(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = {all_nodes}}, bytes);
  return bytes;
}

// A CONNECT as large as one may be, without its last byte.
std::string half_connect() {
  const std::string payload(65'000, 'x');
  std::string bytes;
  mqtt::write(
      mqtt::Connect{.client_identifier = "half", .will = mqtt::Publish{.topic = "a", .payload = payload}},
      bytes);
  bytes.pop_back();
  return bytes;
}

Sample sample(const Service& service, const Prosody& prosody) {
  return {.value = static_cast<double>(service.newcomers().max()) / 1e6,
          .latencies = service.pings(),
          .resident_bytes = prosody.peak_resident_bytes()};
}

Sample measure(const Attack& attack, bool attacks, double duration) {
  const Prosody prosody;
  prosody.create_nodes("bench", attack.nodes);
  EventLoop loop;
  Service service(loop, prosody.mqtt_port(), prosody.c2s_port());
  Attackers attackers;
  const std::string bytes = attack.bytes();
  const std::uint64_t start = monotonic_time();
  while (seconds(monotonic_time() - start) < duration) {
    if (attacks && attackers.size() < attack.attackers) {
      attackers.push_back(std::make_unique<Attacker>(loop, prosody.mqtt_port(), bytes, attack.sends));
    }
    service.look();
    loop.turn(turn_time);
    if (!attack.leave) continue;
    for (auto& attacker : attackers) {
      if (attacker && attacker->is_done()) attacker.reset();
    }
  }
  const auto all_answered = [&] {
    service.look();
    return service.all_answered();
  };
  loop.run_until(all_answered, "an answer to a ping");
  return sample(service, prosody);
}

Row row(std::string name, std::string what, Attack attack) {
  return {.name = std::move(name),
          .what = "CONNECT until PINGRESP of a new client, and XMPP ping, while " + std::move(what),
          .unit = "ms at most",
          .subject = "attacked",
          .reference = "at rest",
          .targets = {{.figure = Target::Figure::value, .bound = Target::Bound::at_most, .limit = 1000},
                      {.figure = Target::Figure::latency_p99, .bound = Target::Bound::at_most, .limit = 20}},
          .prepare = [attack](const Settings& settings) {
            const double duration = std::max(shortest, settings.seconds);
            return Sides{.subject = [=] { return measure(attack, true, duration); },
                         .reference = [=] { return measure(attack, false, duration); }};
          }};
}

// --- Memory ---

constexpr std::size_t wildcard_clients = 500;
constexpr int wildcard_nodes = 10'000;
constexpr std::size_t half_connects = 1'000;
// What may be kept of a CONNECT, and beside it what an idle connection may have.
constexpr double most_of_half_connect = 64 * 1024 + 1'000;

double growth(const Server& server, std::size_t before) {
  return static_cast<double>(server.resident_bytes()) - static_cast<double>(before);
}

Sample of_wildcards(const Server& server) {
  EventLoop loop;
  IdleClients clients;
  connect_clients(loop, server.mqtt_port(), mqtt::ProtocolLevel::mqtt_3_1_1, nullptr, wildcard_clients,
                  clients);
  const std::size_t before = server.resident_bytes();
  const std::string filter = all_nodes;
  for (const auto& client : clients) {
    client->subscribe({&filter, 1}, mqtt::QoS::at_most_once);
    loop.run_until([&] { return client->subscribed(); }, "SUBACK");
  }
  return {.value = growth(server, before) / wildcard_clients / wildcard_nodes,
          .resident_bytes = server.peak_resident_bytes()};
}

Sample of_half_connects(const Server& server) {
  EventLoop loop;
  const std::string bytes = half_connect();
  const std::size_t before = server.resident_bytes();
  Attackers attackers;
  for (std::size_t i = 0; i < half_connects; ++i) {
    attackers.push_back(std::make_unique<Attacker>(loop, server.mqtt_port(), bytes, Attacker::Sends::once));
    loop.turn(turn_time);
  }
  usleep(500'000);  // until the server has read them
  return {.value = growth(server, before) / half_connects, .resident_bytes = server.peak_resident_bytes()};
}

Row memory_row(std::string name, std::string what, std::string unit, double most, int nodes,
               Sample (*measure)(const Server&)) {
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = std::move(unit),
          .targets = {{.figure = Target::Figure::value, .bound = Target::Bound::at_most, .limit = most}},
          .prepare = [measure, nodes](const Settings&) {
            return Sides{.subject =
                             [=] {
                               const Prosody prosody;
                               prosody.create_nodes("bench", nodes);
                               return measure(prosody);
                             },
                         .reference = [=] { return measure(Mosquitto()); }};
          }};
}

}  // namespace

std::vector<Row> attack_rows() {
  using enum Attacker::Sends;
  return {row("attack_filters", "250 clients send one SUBSCRIBE of 12,000 filters and leave; 1,000 nodes",
              {.nodes = 1'000, .attackers = 250, .leave = true, .bytes = many_filters}),
          row("attack_elements", "60 clients publish 200 kB of <a/> four times and leave",
              {.nodes = 1, .attackers = 60, .leave = true, .bytes = many_elements}),
          row("attack_subscribe_unsubscribe",
              "100 clients subscribe to HOST/# and unsubscribe in turn; 1,000 nodes",
              {.nodes = 1'000,
               .attackers = 100,
               .sends = again_and_again,
               .bytes = [] { return connect_packet() + subscribe_and_unsubscribe(); }}),
          row("attack_wildcards", "500 clients subscribe to HOST/#; 10,000 nodes",
              {.nodes = wildcard_nodes,
               .attackers = wildcard_clients,
               .bytes = [] { return connect_packet() + subscribe_to_all(); }}),
          row("attack_half_connects", "1,000 clients send a CONNECT of 64 KiB without its end",
              {.nodes = 1, .attackers = half_connects, .bytes = half_connect}),
          memory_row("memory_wildcards", "memory of 500 clients on HOST/# with 10,000 nodes",
                     "bytes per client and node", 16, wildcard_nodes, of_wildcards),
          memory_row("memory_half_connects", "memory of 1,000 clients whose CONNECT of 64 KiB has no end",
                     "bytes each", most_of_half_connect, 1, of_half_connects)};
}

}  // namespace pubsub_mqtt::bench
