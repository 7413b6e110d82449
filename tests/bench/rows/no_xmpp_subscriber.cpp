// service:publish on a node that nobody has subscribed to, on a component with pubsub_mqtt and on one
// without.
#include <memory>

#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

Sample publish(const Prosody& prosody, const std::string& host, double duration, Prosody::Item item) {
  const Prosody::Published published =
      Prosody::end_publishing(prosody.begin_publishing(host, "bench1", duration, item));
  return {.value = published.count / published.seconds, .resident_bytes = prosody.peak_resident_bytes()};
}

Row row(std::string name, std::string what, Prosody::Item item, std::vector<Target> targets) {
  const auto prepare = [item](const Settings& settings) {
    const auto prosody = std::make_shared<const Prosody>();
    for (const char* host : {"pubsub.localhost", "plain.localhost"}) prosody->create_nodes("bench", 1, host);
    const double duration = settings.seconds;
    return Sides{.subject = [=] { return publish(*prosody, "pubsub.localhost", duration, item); },
                 .reference = [=] { return publish(*prosody, "plain.localhost", duration, item); }};
  };
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = "publishes a second",
          .subject = "with pubsub_mqtt",
          .reference = "without",
          .targets = std::move(targets),
          .prepare = prepare};
}

}  // namespace

std::vector<Row> no_xmpp_subscriber_rows() {
  return {row("no_xmpp_subscriber", "service:publish without any subscriber, a new item each",
              Prosody::Item::fresh, {{.limit = 1.8}}),
          row("no_xmpp_subscriber_prebuilt", "the same, with the same item again and again",
              Prosody::Item::prebuilt, {})};
}

}  // namespace pubsub_mqtt::bench
