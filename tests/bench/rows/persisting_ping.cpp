// How long an XMPP ping takes while MQTT publishes at full speed to a node that persists in the gateway's store.
#include <algorithm>
#include <limits>
#include <memory>

#include "arrivals.h"
#include "payload.h"
#include "ping_under_load.h"
#include "prosody.h"
#include "publisher.h"
#include "rows.h"
#include "subscriber.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::uint32_t most_ahead = 2'000;  // messages at QoS 0 that are on their way

Sample busy(const Prosody& prosody, mqtt::QoS qos, mqtt::ProtocolLevel level, double duration) {
  EventLoop loop;
  Latencies latencies;
  Subscriber subscriber(loop, prosody.mqtt_port(), level, "subscriber", topic_of("bench1"), qos,
                        default_payload_size, latencies);
  Publisher publisher(loop, prosody.mqtt_port(), level, topic_of("bench1"), qos, default_payload_size);
  loop.run_until([&] { return subscriber.connected() && publisher.connected(); }, "CONNACK");
  subscriber.subscribe();
  loop.run_until([&] { return subscriber.subscribed(); }, "SUBACK");
  Sample sample = ping_under_load(prosody, loop, duration, [&](double) {
    publisher.publish_until(qos == mqtt::QoS::at_most_once ? subscriber.received() + most_ahead
                                                           : std::numeric_limits<std::uint32_t>::max());
  });
  wait_for_arrivals(loop, publisher.published(), [&] { return subscriber.received(); });
  sample.delivered = static_cast<double>(subscriber.received()) / publisher.published();
  sample.failure = subscriber.failure();
  if (sample.failure.empty() && sample.delivered != 1) sample.failure = "not everything arrived, once";
  return sample;
}

Row row(std::string name, std::string what, mqtt::QoS qos) {
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = "ms at p99",
          .subject = "busy",
          .reference = "at rest",
          .targets = {{.figure = Target::Figure::latency_p99, .bound = Target::Bound::at_most, .limit = 5}},
          .prepare = [qos](const Settings& settings) {
            const auto prosody =
                std::make_shared<const Prosody>(Prosody::Queues::as_by_default, on_the_store);
            prosody->create_persisting_nodes("bench", 1, 20);
            const double duration = std::max(shortest_pinging, settings.seconds);
            return Sides{.subject = [=] { return busy(*prosody, qos, settings.level, duration); },
                         .reference = [=] { return ping_at_rest(*prosody, duration); }};
          }};
}

}  // namespace

std::vector<Row> persisting_ping_rows() {
  return {
      row("persisting_ping_qos_0", "XMPP ping while MQTT publishes at QoS 0 to a node that keeps 20 items",
          mqtt::QoS::at_most_once),
      row("persisting_ping_qos_1", "XMPP ping while MQTT publishes at QoS 1 to a node that keeps 20 items",
          mqtt::QoS::at_least_once)};
}

}  // namespace pubsub_mqtt::bench
