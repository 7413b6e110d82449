// MQTT publishes that an XMPP client receives, beside a bare Lua loop over service:publish for the same
// client on the same node of the same Prosody.
#include <poll.h>

#include <limits>
#include <memory>

#include "arrivals.h"
#include "payload.h"
#include "prosody.h"
#include "publisher.h"
#include "rows.h"
#include "xmpp_subscriber.h"

namespace pubsub_mqtt::bench {
namespace {

bool is_readable(const tests::FileDescriptor& fd) {
  pollfd descriptor{fd.get(), POLLIN, 0};
  return poll(&descriptor, 1, 0) == 1;
}

class ThroughPubsub {
 public:
  ThroughPubsub() {
    prosody_.create_nodes("bench", 1);
    subscriber_ = std::make_unique<XmppSubscriber>(loop_, prosody_.c2s_port(), "bench1");
  }

  // As fast as TCP lets the publisher: nobody drops what waits for pubsub.
  Sample publish_over_mqtt(mqtt::ProtocolLevel level, double duration) {
    Publisher publisher(loop_, prosody_.mqtt_port(), level, topic_of("bench1"), mqtt::QoS::at_most_once,
                        default_payload_size);
    loop_.run_until([&] { return publisher.connected(); }, "CONNACK");
    subscriber_->start(XmppSubscriber::Stamps::checked);
    const std::uint64_t start = monotonic_time();
    const std::uint64_t end = start + nanoseconds(duration);
    while (monotonic_time() < end) {
      publisher.publish_until(std::numeric_limits<std::uint32_t>::max());
      loop_.turn(std::chrono::milliseconds(1));
    }
    Sample result = sample(start, publisher.published());
    result.latencies = subscriber_->latencies();
    return result;
  }

  Sample publish_in_lua(double duration, Prosody::Item item) {
    subscriber_->start(XmppSubscriber::Stamps::ignored);
    const std::uint64_t start = monotonic_time();
    const auto lua_loop = prosody_.begin_publishing("pubsub.localhost", "bench1", duration, item);
    while (!is_readable(lua_loop)) loop_.turn(std::chrono::milliseconds(1));
    return sample(start, Prosody::end_publishing(lua_loop).count);
  }

 private:
  Sample sample(std::uint64_t start, std::uint32_t published) {
    const std::uint64_t end = wait_for_arrivals(loop_, published, [this] { return subscriber_->received(); });
    Sample result{.value = subscriber_->received() / seconds(end - start),
                  .delivered = static_cast<double>(subscriber_->received()) / published,
                  .resident_bytes = prosody_.peak_resident_bytes(),
                  .failure = subscriber_->failure()};
    if (result.failure.empty() && result.delivered != 1) result.failure = "not everything arrived, once";
    return result;
  }

  const Prosody prosody_;
  EventLoop loop_;
  std::unique_ptr<XmppSubscriber> subscriber_;
};

Sides prepare(const Settings& settings, Prosody::Item item) {
  const auto bench = std::make_shared<ThroughPubsub>();
  const double duration = settings.seconds;
  return {.subject = [=] { return bench->publish_over_mqtt(settings.level, duration); },
          .reference = [=] { return bench->publish_in_lua(duration, item); }};
}

}  // namespace

std::vector<Row> through_pubsub_rows() {
  return {{.name = "through_pubsub",
           .what = "MQTT publishes for an XMPP subscriber, and service:publish with a new item each",
           .unit = "items a second",
           .reference = "Lua loop",
           .targets = {{.limit = 0.9}},
           .prepare = [](const Settings& settings) { return prepare(settings, Prosody::Item::fresh); }},
          {.name = "through_pubsub_prebuilt",
           .what = "the same, and service:publish with the same item again and again",
           .unit = "items a second",
           .reference = "Lua loop",
           .targets = {},
           .prepare = [](const Settings& settings) { return prepare(settings, Prosody::Item::prebuilt); }}};
}

}  // namespace pubsub_mqtt::bench
