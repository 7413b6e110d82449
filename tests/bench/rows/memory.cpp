// The memory of a subscription, and of a message that waits for a client that is away.
#include "connect.h"
#include "filters.h"
#include "mosquitto.h"
#include "payload.h"
#include "prosody.h"
#include "publisher.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::size_t subscriptions = 100'000;
constexpr std::uint32_t queued_messages = 100'000;

double per_one(std::size_t before, std::size_t after, double count) {
  return (static_cast<double>(after) - static_cast<double>(before)) / count;
}

Sample of_subscription(const Server& server, mqtt::ProtocolLevel level) {
  EventLoop loop;
  IdleClients clients;
  connect_clients(loop, server.mqtt_port(), level, nullptr, filter_clients, clients);
  const std::size_t before = server.resident_bytes();
  subscribe_to_others(loop, clients, subscriptions);
  return {.value = per_one(before, server.resident_bytes(), subscriptions),
          .resident_bytes = server.peak_resident_bytes()};
}

// A session that outlives its connection.
void subscribe_and_leave(EventLoop& loop, const Server& server, mqtt::ProtocolLevel level,
                         const std::string& topic) {
  MqttClient client(loop, server.mqtt_port(), connect_packet(level, "away", Session::kept));
  loop.run_until([&] { return client.connected(); }, "CONNACK");
  client.subscribe({&topic, 1}, mqtt::QoS::at_least_once);
  loop.run_until([&] { return client.subscribed(); }, "SUBACK");
}

Sample of_queued_message(const Server& server, mqtt::ProtocolLevel level) {
  EventLoop loop;
  const std::string topic = topic_of("bench1");
  subscribe_and_leave(loop, server, level, topic);
  Publisher publisher(loop, server.mqtt_port(), level, topic, mqtt::QoS::at_least_once, default_payload_size);
  const auto publish = [&](std::uint32_t count) {
    while (publisher.acknowledged() < count) {
      publisher.publish_until(count);
      loop.turn(std::chrono::milliseconds(10));
    }
  };
  publish(1'000);  // what all messages share
  const std::size_t before = server.resident_bytes();
  publish(1'000 + queued_messages);
  return {.value = per_one(before, server.resident_bytes(), queued_messages),
          .resident_bytes = server.peak_resident_bytes()};
}

Row row(std::string name, std::string what, Sample (*measure)(const Server&, mqtt::ProtocolLevel)) {
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = "bytes each",
          .targets = {},
          .prepare = [measure](const Settings& settings) {
            return Sides{
                .subject =
                    [measure, level = settings.level] {
                      const Prosody prosody(Prosody::Queues::large);
                      prosody.create_nodes("bench", 1);
                      return measure(prosody, level);
                    },
                .reference = [measure, level = settings.level] { return measure(Mosquitto(), level); }};
          }};
}

}  // namespace

std::vector<Row> memory_rows() {
  return {row("memory_subscription", "memory of 100,000 subscriptions of 100 clients", of_subscription),
          row("memory_queued_message", "memory of 100,000 messages at QoS 1 for a client that is away",
              of_queued_message)};
}

}  // namespace pubsub_mqtt::bench
