// Topics of their own, below the mount point, beside HOST/TYPE/NODE, both against the gateway: what such a name costs.
#include "load.h"
#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr double as_fast = 0.95;

Row row(std::string name, std::string what, mqtt::QoS qos, std::size_t subscribers) {
  const auto prepare = [=](const Settings& settings) {
    const auto one_node = [=](const std::string& topic) {
      const Prosody prosody(Prosody::Queues::as_by_default,
                            {.global = "mqtt_mountpoint = \"pubsub.localhost/utf8\"\n"});
      prosody.create_nodes("bench", 1);
      return run({.topic = topic,
                  .qos = qos,
                  .subscribers = subscribers,
                  .seconds = settings.seconds,
                  .level = settings.level},
                 prosody);
    };
    return Sides{.subject = [=] { return one_node("bench1"); },
                 .reference = [=] { return one_node(topic_of("bench1")); }};
  };
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = "deliveries a second",
          .subject = "mounted",
          .reference = "full",
          .targets = {{.limit = as_fast}},
          .prepare = prepare};
}

}  // namespace

std::vector<Row> mounted_rows() {
  return {
      row("mounted_qos_0", "one publisher, one subscriber, QoS 0, by a mounted topic",
          mqtt::QoS::at_most_once, 1),
      row("mounted_qos_1", "one publisher, one subscriber, QoS 1 with 50 unacknowledged, by a mounted topic",
          mqtt::QoS::at_least_once, 1),
      row("mounted_fan_out", "one publisher, 100 subscribers, QoS 0, by a mounted topic",
          mqtt::QoS::at_most_once, 100)};
}

}  // namespace pubsub_mqtt::bench
