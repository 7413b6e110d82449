// QoS 1 to sessions that outlive their connections, beside mosquitto as it stores by default, which is half an hour
// later, and beside mosquitto that stores each change.
#include "durable_load.h"
#include "mosquitto.h"
#include "prosody.h"
#include "rows.h"
#include "synchronizations.h"

namespace pubsub_mqtt::bench {
namespace {

using Persistence = Mosquitto::Persistence;

// What waits for a thousand is bounded by mosquitto's memory.
constexpr std::uint32_t most_messages_for_many = 1'000;

DurableLoad load_for(std::size_t sessions, bool are_away, const Settings& settings) {
  DurableLoad load{.topic = topic_of("bench1"),
                   .sessions = sessions,
                   .are_away = are_away,
                   .seconds = settings.seconds,
                   .level = settings.level};
  if (sessions > 1) load.most_messages = most_messages_for_many;
  return load;
}

// What a row is about.
using Figure = Sample (*)(const DurableLoad&, const DurableRun&);

Sample deliveries(const DurableLoad& load, const DurableRun& run) {
  return {.value = run.messages_a_second * static_cast<double>(load.sessions),
          .delivered = run.delivered,
          .latencies = run.acknowledgements,
          .resident_bytes = run.resident_bytes,
          .failure = run.failure};
}

Sample written_bytes(const DurableLoad&, const DurableRun& run) {
  return {.value = run.written_bytes, .delivered = run.delivered, .failure = run.failure};
}

template <typename TestedServer>
Sample measure(const DurableLoad& load, Figure figure, const TestedServer& server) {
  Sample sample = figure(load, run(load, server));
  sample.synchronizations = synchronizations(server.path("."));
  return sample;
}

Sample of_gateway(const DurableLoad& load, Figure figure) {
  const Prosody prosody(Prosody::Queues::large);
  prosody.create_nodes("bench", 1);
  Sample sample = measure(load, figure, prosody);
  if (load.are_away && sample.failure.empty() && prosody.written_bytes() == 0) {
    sample.failure = "nothing was written";
  }
  return sample;
}

struct Kind {
  std::string name;
  std::string what;
  std::string unit;
  std::size_t sessions;
  bool are_away;
  Figure figure;
};

Row row(const Kind& kind, Persistence persistence, std::vector<Target> targets) {
  const bool saves = persistence == Persistence::on_each_change;
  return {
      .name = "durable_" + kind.name + (saves ? "_saving" : ""),
      .what = kind.what + ", and mosquitto " + (saves ? "saves on each change" : "saves every 30 minutes"),
      .unit = kind.unit,
      .targets = std::move(targets),
      .prepare = [=](const Settings& settings) {
        const DurableLoad load = load_for(kind.sessions, kind.are_away, settings);
        return Sides{.subject = [=] { return of_gateway(load, kind.figure); },
                     .reference = [=] { return measure(load, kind.figure, Mosquitto(persistence)); }};
      }};
}

}  // namespace

std::vector<Row> durable_rows() {
  const Kind connected{.name = "connected",
                       .what = "QoS 1 from 10 publishers to a kept session that is connected",
                       .unit = "messages a second",
                       .sessions = 1,
                       .are_away = false,
                       .figure = deliveries};
  const Kind away{.name = "away_1",
                  .what = "QoS 1 from 10 publishers to a kept session that is away",
                  .unit = "messages a second",
                  .sessions = 1,
                  .are_away = true,
                  .figure = deliveries};
  const Kind many_away{.name = "away_1000",
                       .what = "QoS 1 from 10 publishers to 1,000 kept sessions that are away",
                       .unit = "deliveries a second",
                       .sessions = 1'000,
                       .are_away = true,
                       .figure = deliveries};
  std::vector<Row> rows;
  for (const Kind& kind : {connected, away, many_away}) {
    rows.push_back(row(kind, Persistence::as_by_default, {{.limit = 1}}));
    rows.push_back(row(kind, Persistence::on_each_change, {{.limit = 1}}));
  }
  for (Kind kind : {connected, away}) {
    kind.name.insert(0, "bytes_");
    kind.unit = "bytes written for a message";
    kind.figure = written_bytes;
    rows.push_back(row(kind, Persistence::on_each_change, {}));
  }
  return rows;
}

}  // namespace pubsub_mqtt::bench
