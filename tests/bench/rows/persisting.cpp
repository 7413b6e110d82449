// One publisher, and one or more subscribers, on a node as mod_pubsub makes it: it persists, in the gateway's store.
// Beside mosquitto, which stores nothing of this.
#include "load.h"
#include "mosquitto.h"
#include "prosody.h"
#include "rows.h"
#include "stored_items.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr int as_mod_pubsub_makes_it = 20;
constexpr int all = 100'000'000;

Sample on_the_gateway(const Load& load, int max_items) {
  const Prosody prosody(Prosody::Queues::as_by_default, on_the_store);
  prosody.create_persisting_nodes("bench", 1, max_items);
  Sample sample = run(load, prosody);
  if (sample.failure.empty()) {
    sample.failure = check_stored_items(prosody.path("data/pubsub_mqtt.sqlite"), "bench1", sample.published,
                                        static_cast<std::uint32_t>(max_items));
  }
  return sample;
}

Row row(const std::string& name, const std::string& what, mqtt::QoS qos, std::size_t subscribers,
        double target, int max_items) {
  const bool keeps_all = max_items == all;
  return {.name = "persisting_" + name + (keeps_all ? "_all" : ""),
          .what = what + ", to a node that keeps " + (keeps_all ? "all" : "the last 20") + " items",
          .unit = "deliveries a second",
          .targets = {{.limit = target}},
          .prepare = [=](const Settings& settings) {
            const Load load{.topic = topic_of("bench1"),
                            .qos = qos,
                            .subscribers = subscribers,
                            .seconds = settings.seconds,
                            .level = settings.level};
            return Sides{.subject = [=] { return on_the_gateway(load, max_items); },
                         .reference = [=] { return run(load, Mosquitto()); }};
          }};
}

}  // namespace

std::vector<Row> persisting_rows() {
  std::vector<Row> rows;
  for (const int max_items : {as_mod_pubsub_makes_it, all}) {
    rows.push_back(
        row("qos_0", "one publisher, one subscriber, QoS 0", mqtt::QoS::at_most_once, 1, 1, max_items));
    rows.push_back(row("qos_1", "one publisher, one subscriber, QoS 1 with 50 unacknowledged",
                       mqtt::QoS::at_least_once, 1, 1, max_items));
    rows.push_back(
        row("fan_out", "one publisher, 100 subscribers, QoS 0", mqtt::QoS::at_most_once, 100, 4, max_items));
  }
  return rows;
}

}  // namespace pubsub_mqtt::bench
