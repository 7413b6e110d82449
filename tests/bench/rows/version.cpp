// Clients of MQTT 5.0 beside those of 3.1.1, both against the gateway: what a version costs.
#include "load.h"
#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr double as_fast = 0.9;

Row row(std::string name, std::string what, mqtt::QoS qos) {
  const auto prepare = [qos](const Settings& settings) {
    const auto one_to_one = [qos, seconds = settings.seconds](mqtt::ProtocolLevel level) {
      const Prosody prosody;
      prosody.create_nodes("bench", 1);
      return run({.topic = topic_of("bench1"), .qos = qos, .seconds = seconds, .level = level}, prosody);
    };
    return Sides{.subject = [=] { return one_to_one(mqtt::ProtocolLevel::mqtt_5); },
                 .reference = [=] { return one_to_one(mqtt::ProtocolLevel::mqtt_3_1_1); }};
  };
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = "messages a second",
          .subject = "5.0",
          .reference = "3.1.1",
          .targets = {{.limit = as_fast}},
          .prepare = prepare};
}

}  // namespace

std::vector<Row> version_rows() {
  return {
      row("version_5_qos_0", "one publisher, one subscriber, QoS 0, both of MQTT 5.0",
          mqtt::QoS::at_most_once),
      row("version_5_qos_1", "one publisher, one subscriber, QoS 1 with 50 unacknowledged, both of MQTT 5.0",
          mqtt::QoS::at_least_once)};
}

}  // namespace pubsub_mqtt::bench
