// One publisher, many subscribers of the same topic, on a node that only MQTT uses.
#include "load.h"
#include "mosquitto.h"
#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr double max_resident_bytes = 256.0 * 1024 * 1024;

Row row(std::size_t subscribers) {
  const auto prepare = [subscribers](const Settings& settings) {
    const Load load{.topic = topic_of("bench1"),
                    .subscribers = subscribers,
                    .seconds = settings.seconds,
                    .level = settings.level};
    return Sides{.subject =
                     [load] {
                       const Prosody prosody;
                       prosody.create_nodes("bench", 1);
                       return run(load, prosody);
                     },
                 .reference = [load] { return run(load, Mosquitto()); }};
  };
  const std::string count = std::to_string(subscribers);
  return {.name = "fan_out_" + count,
          .what = "one publisher, " + count + " subscribers, QoS 0",
          .unit = "deliveries a second",
          .targets = {{.limit = 4},
                      {.figure = Target::Figure::resident_bytes,
                       .bound = Target::Bound::at_most,
                       .limit = max_resident_bytes}},
          .prepare = prepare};
}

}  // namespace

std::vector<Row> fan_out_rows() { return {row(100), row(1000)}; }

}  // namespace pubsub_mqtt::bench
