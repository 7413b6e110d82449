#include "durable_load.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "arrivals.h"
#include "event_loop.h"
#include "monotonic_time.h"
#include "payload.h"
#include "publisher.h"
#include "subscriber.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::uint32_t publishers = 10;
// Fewer than fit into mosquitto's queue of new connections.
constexpr std::size_t subscribers_at_a_time = 50;

class Run {
 public:
  Run(const DurableLoad& load, const Server& server) : load_(load), server_(server) {
    for (std::size_t first = 0; first < load.sessions; first += subscribers_at_a_time) subscribe(first);
    if (load.are_away) {
      subscribers_.clear();
      usleep(200'000);  // until the server knows
    }
    for (std::uint32_t number = 0; number < publishers; ++number) {
      publishers_.push_back(std::make_unique<Publisher>(loop_, server.mqtt_port(), load.level, load.topic,
                                                        mqtt::QoS::at_least_once, default_payload_size,
                                                        number));
      publishers_.back()->measure_acknowledgements(result_.acknowledgements);
    }
    loop_.run_until([&] { return std::ranges::all_of(publishers_, is_connected); }, "CONNACK");
  }

  DurableRun measure() {
    const std::size_t written_before = server_.written_bytes();
    const std::uint64_t start = monotonic_time();
    publish(start);
    const std::uint64_t acknowledged_at =
        wait_for_arrivals(loop_, published(), [this] { return acknowledged(); });
    const std::uint64_t end = load_.are_away ? acknowledged_at : wait_for_deliveries();
    result_.messages_a_second = static_cast<double>(published()) / seconds(end - start);
    result_.written_bytes =
        static_cast<double>(server_.written_bytes() - written_before) / static_cast<double>(published());
    result_.resident_bytes = server_.peak_resident_bytes();
    if (acknowledged() != published()) fail("not everything was acknowledged");
    const std::uint64_t taken = load_.are_away ? take_back() : take(subscribers_);
    result_.delivered =
        static_cast<double>(taken) / static_cast<double>(published()) / static_cast<double>(load_.sessions);
    if (result_.delivered != 1) fail("not everything arrived, once");
    return std::move(result_);
  }

 private:
  using Subscribers = std::vector<std::unique_ptr<Subscriber>>;

  static bool is_connected(const std::unique_ptr<Publisher>& publisher) { return publisher->connected(); }

  // The sessions from `first` on, as many as connect at a time.
  Subscribers connect(std::size_t first) {
    Subscribers some;
    for (std::size_t i = first; i < std::min(first + subscribers_at_a_time, load_.sessions); ++i) {
      some.push_back(std::make_unique<Subscriber>(
          loop_, server_.mqtt_port(), load_.level, "kept" + std::to_string(i), load_.topic,
          mqtt::QoS::at_least_once, default_payload_size, deliveries_, Session::kept));
    }
    loop_.run_until(
        [&] { return std::ranges::all_of(some, [](const auto& one) { return one->connected(); }); },
        "CONNACK");
    return some;
  }

  void subscribe(std::size_t first) {
    Subscribers some = connect(first);
    for (const auto& subscriber : some) subscriber->subscribe();
    loop_.run_until(
        [&] { return std::ranges::all_of(some, [](const auto& one) { return one->subscribed(); }); },
        "SUBACK");
    std::ranges::move(some, std::back_inserter(subscribers_));
  }

  void publish(std::uint64_t start) {
    const std::uint64_t end = start + nanoseconds(load_.seconds);
    const std::uint32_t most = load_.most_messages / publishers;
    bool is_over = false;
    while (!is_over) {
      const std::uint64_t now = monotonic_time();
      const double due = std::min<double>(most, load_.rate / publishers * seconds(now - start));
      for (const auto& publisher : publishers_) publisher->publish_until(static_cast<std::uint32_t>(due));
      loop_.turn(std::chrono::milliseconds(1));
      is_over = now >= end || published() == std::uint64_t{most} * publishers;
    }
  }

  std::uint64_t published() const {
    std::uint64_t total = 0;
    for (const auto& publisher : publishers_) total += publisher->published();
    return total;
  }
  std::uint64_t acknowledged() const {
    std::uint64_t total = 0;
    for (const auto& publisher : publishers_) total += publisher->acknowledged();
    return total;
  }
  static std::uint64_t received_by(const Subscribers& subscribers) {
    std::uint64_t total = 0;
    for (const auto& subscriber : subscribers) total += subscriber->received();
    return total;
  }

  std::uint64_t wait_for_deliveries() {
    return wait_for_arrivals(loop_, published() * load_.sessions,
                             [this] { return received_by(subscribers_); });
  }

  // What these have, when they are through.
  std::uint64_t take(const Subscribers& subscribers) {
    wait_for_arrivals(loop_, published() * subscribers.size(), [&] { return received_by(subscribers); });
    for (const auto& subscriber : subscribers) fail(subscriber->failure());
    return received_by(subscribers);
  }

  std::uint64_t take_back() {
    std::uint64_t taken = 0;
    for (std::size_t first = 0; first < load_.sessions; first += subscribers_at_a_time) {
      const Subscribers some = connect(first);
      for (const auto& subscriber : some) {
        if (!subscriber->session_present()) fail("a session was forgotten");
      }
      taken += take(some);
    }
    return taken;
  }

  void fail(const std::string& why) {
    if (result_.failure.empty()) result_.failure = why;
  }

  const DurableLoad& load_;
  const Server& server_;
  EventLoop loop_;
  Latencies deliveries_;
  DurableRun result_;
  Subscribers subscribers_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
};

}  // namespace

DurableRun run(const DurableLoad& load, const Server& server) { return Run(load, server).measure(); }

}  // namespace pubsub_mqtt::bench
