// What WebSocket costs: the gateway with clients that use it, beside itself with clients that do not.
#include "idle_clients.h"
#include "load.h"
#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

Row row(std::string name, std::string what, std::string unit, Target target,
        Sample (*measure)(Carrier, const Settings&)) {
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = std::move(unit),
          .subject = "WebSocket",
          .reference = "TCP",
          .targets = {target},
          .prepare = [measure](const Settings& settings) {
            return Sides{.subject = [=] { return measure(Carrier::websocket, settings); },
                         .reference = [=] { return measure(Carrier::tcp, settings); }};
          }};
}

Sample measure_load(Carrier carrier, std::size_t subscribers, const Settings& settings) {
  const Prosody prosody;
  prosody.create_nodes("bench", 1);
  return run({.topic = topic_of("bench1"),
              .subscribers = subscribers,
              .seconds = settings.seconds,
              .level = settings.level,
              .carrier = carrier},
             prosody);
}

Sample measure_idle(Carrier carrier, const Settings& settings) {
  const Prosody prosody;
  return idle_memory(prosody, {prosody.mqtt_port(), carrier}, settings.level, nullptr);
}

}  // namespace

std::vector<Row> websocket_rows() {
  using enum Target::Figure;
  using enum Target::Bound;
  return {row("idle_websocket", "memory of 10,000 idle connections over WebSocket", "bytes each",
              {value, at_most, 1000}, measure_idle),
          row("websocket_one_to_one_qos_0", "one publisher, one subscriber, QoS 0, over WebSocket",
              "messages a second", {ratio, at_least, 0.8},
              [](Carrier carrier, const Settings& settings) { return measure_load(carrier, 1, settings); }),
          row("websocket_fan_out_100", "one publisher, 100 subscribers, QoS 0, over WebSocket",
              "deliveries a second", {ratio, at_least, 0.9},
              [](Carrier carrier, const Settings& settings) { return measure_load(carrier, 100, settings); }),
          row("websocket_fan_out_1000", "one publisher, 1000 subscribers, QoS 0, over WebSocket",
              "deliveries a second", {ratio, at_least, 0.9}, [](Carrier carrier, const Settings& settings) {
                return measure_load(carrier, 1000, settings);
              })};
}

}  // namespace pubsub_mqtt::bench
