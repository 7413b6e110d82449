// How long a publisher waits for its PUBACK, for a session that is away, at half of the rate that it can have.
#include "durable_load.h"
#include "mosquitto.h"
#include "prosody.h"
#include "rows.h"
#include "synchronizations.h"

namespace pubsub_mqtt::bench {
namespace {

using Persistence = Mosquitto::Persistence;

template <typename NewServer>
Sample measure(DurableLoad load, NewServer&& new_server) {
  const DurableRun fastest = run(load, *new_server());
  load.rate = fastest.messages_a_second / 2;
  const auto server = new_server();
  const DurableRun half = run(load, *server);
  return {.value = static_cast<double>(half.acknowledgements.percentile(0.99)) / 1e6,
          .delivered = half.delivered,
          .latencies = half.acknowledgements,
          .synchronizations = synchronizations(server->path(".")),
          .resident_bytes = half.resident_bytes,
          .failure = fastest.failure.empty() ? half.failure : fastest.failure};
}

std::unique_ptr<Prosody> new_gateway() {
  auto prosody = std::make_unique<Prosody>(Prosody::Queues::large);
  prosody->create_nodes("bench", 1);
  return prosody;
}

Row row(std::string name, const std::string& how, Persistence persistence) {
  return {.name = std::move(name),
          .what = "PUBACK at half of the rate to a kept session that is away, and mosquitto " + how,
          .unit = "ms at p99",
          .targets = {{.figure = Target::Figure::latency_p99, .bound = Target::Bound::at_most, .limit = 20}},
          .prepare = [persistence](const Settings& settings) {
            const DurableLoad load{.topic = topic_of("bench1"),
                                   .are_away = true,
                                   .seconds = settings.seconds,
                                   .level = settings.level};
            return Sides{
                .subject = [=] { return measure(load, new_gateway); },
                .reference =
                    [=] { return measure(load, [=] { return std::make_unique<Mosquitto>(persistence); }); }};
          }};
}

}  // namespace

std::vector<Row> durable_puback_rows() {
  return {row("durable_puback", "saves every 30 minutes", Persistence::as_by_default),
          row("durable_puback_saving", "saves on each change", Persistence::on_each_change)};
}

}  // namespace pubsub_mqtt::bench
