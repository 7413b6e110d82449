// One publisher, one subscriber, on a node that only MQTT uses.
#include "load.h"
#include "mosquitto.h"
#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

Row row(std::string name, std::string what, mqtt::QoS qos, double target) {
  const auto prepare = [qos](const Settings& settings) {
    const Load load{
        .topic = topic_of("bench1"), .qos = qos, .seconds = settings.seconds, .level = settings.level};
    return Sides{.subject =
                     [load] {
                       const Prosody prosody;
                       prosody.create_nodes("bench", 1);
                       return run(load, prosody);
                     },
                 .reference = [load] { return run(load, Mosquitto()); }};
  };
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = "messages a second",
          .targets = {{.limit = target}},
          .prepare = prepare};
}

}  // namespace

std::vector<Row> one_to_one_rows() {
  return {row("one_to_one_qos_0", "one publisher, one subscriber, QoS 0", mqtt::QoS::at_most_once, 1.5),
          row("one_to_one_qos_1", "one publisher, one subscriber, QoS 1 with 50 unacknowledged",
              mqtt::QoS::at_least_once, 1)};
}

}  // namespace pubsub_mqtt::bench
