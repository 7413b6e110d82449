// service:publish on a node that persists in the gateway's store, beside one that does not, on the same component.
#include <memory>

#include "prosody.h"
#include "rows.h"

namespace pubsub_mqtt::bench {
namespace {

Sample publish(const Prosody& prosody, const std::string& node, double duration) {
  const Prosody::Published published = Prosody::end_publishing(
      prosody.begin_publishing("pubsub.localhost", node, duration, Prosody::Item::fresh));
  return {.value = published.count / published.seconds, .resident_bytes = prosody.peak_resident_bytes()};
}

Row row(int max_items) {
  const std::string count = std::to_string(max_items);
  return {.name = "persisting_publish_" + count,
          .what = "service:publish, a new item each, to a node that keeps " + count,
          .unit = "publishes a second",
          .subject = "persisting",
          .reference = "not",
          .targets = {{.limit = 0.8}},
          .prepare = [max_items](const Settings& settings) {
            const auto prosody =
                std::make_shared<const Prosody>(Prosody::Queues::as_by_default, on_the_store);
            prosody->create_persisting_nodes("persisting", 1, max_items);
            prosody->create_nodes("bench", 1);
            const double duration = settings.seconds;
            return Sides{.subject = [=] { return publish(*prosody, "persisting1", duration); },
                         .reference = [=] { return publish(*prosody, "bench1", duration); }};
          }};
}

}  // namespace

// 20 is mod_pubsub's own, 256 the most that it allows by default.
std::vector<Row> persisting_publish_rows() { return {row(20), row(256), row(10'000)}; }

}  // namespace pubsub_mqtt::bench
