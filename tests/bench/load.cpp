#include "load.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include "arrivals.h"
#include "event_loop.h"
#include "monotonic_time.h"
#include "payload.h"
#include "publisher.h"
#include "subscriber.h"

namespace pubsub_mqtt::bench {
namespace {

// How far the publisher may be ahead of the slowest subscriber, and how much may be on its way to all of
// them, at QoS 0. There a server may drop what a slow client does not read; with these bounds, which hold for both
// servers, no queue has to overflow, so that all can be demanded of both.
constexpr std::size_t max_lead_bytes = 256 * 1024;
constexpr std::size_t max_lead_bytes_of_all = 16 * 1024 * 1024;

class Run {
 public:
  Run(const Load& load, const Endpoint& endpoint)
      : load_(load), publisher_(loop_, endpoint, load.level, load.topic, load.qos, default_payload_size) {
    for (std::size_t i = 0; i < load.subscribers; ++i) {
      subscribers_.push_back(std::make_unique<Subscriber>(loop_, endpoint, load.level,
                                                          "subscriber" + std::to_string(i), load.topic,
                                                          load.qos, default_payload_size, latencies_));
    }
    const auto is_connected = [](const auto& client) { return client->connected(); };
    const auto is_subscribed = [](const auto& client) { return client->subscribed(); };
    loop_.run_until([&] { return std::all_of(subscribers_.begin(), subscribers_.end(), is_connected); },
                    "CONNACK");
    for (const auto& subscriber : subscribers_) subscriber->subscribe();
    loop_.run_until([&] { return std::all_of(subscribers_.begin(), subscribers_.end(), is_subscribed); },
                    "SUBACK");
    loop_.run_until([&] { return publisher_.connected(); }, "CONNACK");
  }

  Sample measure() {
    const std::uint64_t start = monotonic_time();
    const std::uint64_t end = start + nanoseconds(load_.seconds);
    const bool is_bounded = load_.qos == mqtt::QoS::at_most_once;
    while (monotonic_time() < end) {
      publisher_.publish_until(is_bounded ? slowest() + max_lead() : UINT32_MAX);
      loop_.turn(std::chrono::milliseconds(1));
    }
    const std::uint64_t expected = std::uint64_t{publisher_.published()} * load_.subscribers;
    return sample(start, wait_for_arrivals(loop_, expected, [this] { return deliveries(); }));
  }

 private:
  std::uint32_t max_lead() const {
    const std::size_t bytes = std::min(max_lead_bytes, max_lead_bytes_of_all / load_.subscribers);
    return static_cast<std::uint32_t>(std::max<std::size_t>(1, bytes / publisher_.packet_size()));
  }

  std::uint32_t slowest() const {
    std::uint32_t received = publisher_.published();
    for (const auto& subscriber : subscribers_) received = std::min(received, subscriber->received());
    return received;
  }

  std::uint64_t deliveries() const {
    std::uint64_t total = 0;
    for (const auto& subscriber : subscribers_) total += subscriber->received();
    return total;
  }

  Sample sample(std::uint64_t start, std::uint64_t last_arrival) const {
    const auto expected =
        static_cast<double>(publisher_.published()) * static_cast<double>(load_.subscribers);
    const auto arrived = static_cast<double>(deliveries());
    Sample sample{.value = arrived / seconds(last_arrival - start),
                  .published = publisher_.published(),
                  .delivered = expected > 0 ? arrived / expected : 0,
                  .latencies = latencies_};
    for (const auto& subscriber : subscribers_) {
      if (sample.failure.empty()) sample.failure = subscriber->failure();
    }
    if (sample.failure.empty() && sample.delivered != 1) sample.failure = "not everything arrived, once";
    return sample;
  }

  const Load& load_;
  EventLoop loop_;
  Latencies latencies_;
  Publisher publisher_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
};

}  // namespace

Sample run(const Load& load, const Server& server) {
  Run run(load, {server.mqtt_port(), load.carrier});
  Sample sample = run.measure();
  sample.resident_bytes = server.peak_resident_bytes();
  return sample;
}

}  // namespace pubsub_mqtt::bench
