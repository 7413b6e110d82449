// How long an XMPP ping takes while MQTT is busy, beside the same Prosody at rest.
#include <algorithm>
#include <functional>
#include <limits>
#include <memory>

#include "arrivals.h"
#include "payload.h"
#include "ping_under_load.h"
#include "prosody.h"
#include "publisher.h"
#include "rows.h"
#include "subscriber.h"
#include "xmpp_subscriber.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr double messages_a_second = 20'000;  // from MQTT to MQTT

// 20,000 messages a second on a node that only MQTT uses.
Sample with_mqtt_to_mqtt(const Prosody& prosody, mqtt::ProtocolLevel level, double duration) {
  EventLoop loop;
  Latencies latencies;
  Subscriber subscriber(loop, prosody.mqtt_port(), level, "subscriber", topic_of("mqtt1"),
                        mqtt::QoS::at_most_once, default_payload_size, latencies);
  Publisher publisher(loop, prosody.mqtt_port(), level, topic_of("mqtt1"), mqtt::QoS::at_most_once,
                      default_payload_size);
  loop.run_until([&] { return subscriber.connected() && publisher.connected(); }, "CONNACK");
  subscriber.subscribe();
  loop.run_until([&] { return subscriber.subscribed(); }, "SUBACK");
  Sample sample = ping_under_load(prosody, loop, duration, [&](double elapsed) {
    publisher.publish_until(static_cast<std::uint32_t>(elapsed * messages_a_second));
  });
  // Of what was to be carried meanwhile.
  const std::uint32_t arrived = subscriber.received();
  wait_for_arrivals(loop, publisher.published(), [&] { return subscriber.received(); });
  sample.delivered = static_cast<double>(arrived) / (duration * messages_a_second);
  sample.failure = subscriber.failure();
  if (sample.failure.empty() && subscriber.received() != publisher.published()) {
    sample.failure = "not everything arrived, once";
  }
  return sample;
}

// Publishes at full speed through pubsub, on a node that an XMPP client has subscribed to.
class ThroughPubsub {
 public:
  explicit ThroughPubsub(const Prosody& prosody)
      : prosody_(prosody), subscriber_(loop_, prosody.c2s_port(), "xmpp1") {}

  Sample measure(mqtt::ProtocolLevel level, double duration) {
    Publisher publisher(loop_, prosody_.mqtt_port(), level, topic_of("xmpp1"), mqtt::QoS::at_most_once,
                        default_payload_size);
    loop_.run_until([&] { return publisher.connected(); }, "CONNACK");
    subscriber_.start(XmppSubscriber::Stamps::checked);
    Sample sample = ping_under_load(prosody_, loop_, duration, [&](double) {
      publisher.publish_until(std::numeric_limits<std::uint32_t>::max());
    });
    wait_for_arrivals(loop_, publisher.published(), [&] { return subscriber_.received(); });
    sample.failure = subscriber_.failure();
    if (sample.failure.empty() && subscriber_.received() != publisher.published()) {
      sample.failure = "not everything arrived, once";
    }
    return sample;
  }

 private:
  const Prosody& prosody_;
  EventLoop loop_;
  XmppSubscriber subscriber_;
};

Row row(std::string name, std::string what, std::vector<Target> targets,
        std::function<Sides(const Settings&)> prepare) {
  targets.push_back({.figure = Target::Figure::latency_p99, .bound = Target::Bound::at_most, .limit = 5});
  return {.name = std::move(name),
          .what = std::move(what),
          .unit = "ms at p99",
          .subject = "busy",
          .reference = "at rest",
          .targets = std::move(targets),
          .prepare = std::move(prepare)};
}

Sides prepare_mqtt_to_mqtt(const Settings& settings) {
  const auto prosody = std::make_shared<const Prosody>();
  prosody->create_nodes("mqtt", 1);
  const double duration = std::max(shortest_pinging, settings.seconds);
  return {.subject = [=] { return with_mqtt_to_mqtt(*prosody, settings.level, duration); },
          .reference = [=] { return ping_at_rest(*prosody, duration); }};
}

Sides prepare_through_pubsub(const Settings& settings) {
  const auto prosody = std::make_shared<const Prosody>();
  prosody->create_nodes("xmpp", 1);
  const auto busy = std::make_shared<ThroughPubsub>(*prosody);
  const double duration = std::max(shortest_pinging, settings.seconds);
  return {.subject = [=] { return busy->measure(settings.level, duration); },
          .reference = [=] { return ping_at_rest(*prosody, duration); }};
}

}  // namespace

std::vector<Row> ping_rows() {
  return {row("ping_mqtt_to_mqtt", "XMPP ping while 20,000 messages a second go from MQTT to MQTT",
              {{.figure = Target::Figure::delivered, .limit = 0.99}}, prepare_mqtt_to_mqtt),
          row("ping_through_pubsub", "XMPP ping while MQTT publishes for an XMPP subscriber at full speed",
              {}, prepare_through_pubsub)};
}

}  // namespace pubsub_mqtt::bench
