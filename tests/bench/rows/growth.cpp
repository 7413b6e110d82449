// What a message costs as nodes, filters and subscribers become many: the gateway beside itself with few.
#include "filters.h"
#include "load.h"
#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::size_t few = 10;
constexpr double flat = 0.9;  // of the rate with few

Sample one_to_one(const Prosody& prosody, const Settings& settings, std::size_t subscribers = 1) {
  prosody.create_nodes("bench", 1);
  return run({.topic = topic_of("bench1"),
              .subscribers = subscribers,
              .seconds = settings.seconds,
              .level = settings.level},
             prosody);
}

Sample with_nodes(std::size_t count, const Settings& settings) {
  const Prosody prosody;
  prosody.create_nodes("other", static_cast<int>(count));
  return one_to_one(prosody, settings);
}

Sample with_filters(std::size_t count, const Settings& settings) {
  const Prosody prosody;
  EventLoop loop;
  IdleClients clients;
  connect_clients(loop, prosody.mqtt_port(), settings.level, nullptr, filter_clients, clients);
  subscribe_to_others(loop, clients, count);
  return one_to_one(prosody, settings);
}

Sample with_subscribers(std::size_t count, const Settings& settings) {
  return one_to_one(Prosody(), settings, count);
}

Row row(const std::string& what, std::size_t count, std::size_t beside, double target,
        Sample (*measure)(std::size_t, const Settings&)) {
  const auto prepare = [=](const Settings& settings) {
    return Sides{.subject = [=] { return measure(count, settings); },
                 .reference = [=] { return measure(beside, settings); }};
  };
  return {.name = "growth_" + what + '_' + std::to_string(count),
          .what = "QoS 0 with " + std::to_string(count) + ' ' + what + ", beside " + std::to_string(beside),
          .unit = "deliveries a second",
          .subject = "many",
          .reference = "few",
          .targets = {{.limit = target}},
          .prepare = prepare};
}

}  // namespace

std::vector<Row> growth_rows() {
  std::vector<Row> rows;
  for (const std::size_t count : {1'000, 100'000}) rows.push_back(row("nodes", count, few, flat, with_nodes));
  for (const std::size_t count : {1'000, 100'000})
    rows.push_back(row("filters", count, few, flat, with_filters));
  // Linear: as many deliveries a second, whoever they go to.
  for (const std::size_t count : {10, 100, 1'000})
    rows.push_back(row("subscribers", count, 1, 1, with_subscribers));
  return rows;
}

}  // namespace pubsub_mqtt::bench
