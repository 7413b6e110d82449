// How much longer a start takes where many sessions and messages are stored: until a client has its CONNACK.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "arrivals.h"
#include "idle_clients.h"
#include "monotonic_time.h"
#include "mosquitto.h"
#include "payload.h"
#include "prosody.h"
#include "publisher.h"
#include "rows.h"
#include "start_time.h"
#include "subscriber.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::size_t sessions = 10'000;
constexpr std::size_t filters_a_session = 10;
// Those that messages wait for, each on a topic of its own.
constexpr std::size_t waiting_sessions = 100;
constexpr std::uint32_t messages_a_session = 10'000;

std::string session_name(std::size_t number) { return "kept" + std::to_string(number); }
std::string waiting_topic(std::size_t number) { return topic_of("bench" + std::to_string(number + 1)); }

// The session of each client has ten subscriptions; the first of some of them get messages.
void leave_sessions(EventLoop& loop, const Server& server, mqtt::ProtocolLevel level) {
  for (std::size_t first = 0; first < sessions; first += connecting_at_a_time) {
    IdleClients clients;
    for (std::size_t i = first; i < std::min(first + connecting_at_a_time, sessions); ++i) {
      clients.push_back(std::make_unique<MqttClient>(loop, server.mqtt_port(),
                                                     connect_packet(level, session_name(i), Session::kept)));
    }
    loop.run_until(
        [&] { return std::ranges::all_of(clients, [](const auto& client) { return client->connected(); }); },
        "CONNACK");
    for (std::size_t i = 0; i < clients.size(); ++i) {
      std::vector<std::string> filters;
      while (filters.size() < filters_a_session) {
        filters.push_back(
            topic_of("other" + std::to_string(first + i) + '/' + std::to_string(filters.size())));
      }
      if (first + i < waiting_sessions) filters[0] = waiting_topic(first + i);
      clients[i]->subscribe(filters, mqtt::QoS::at_least_once);
    }
    loop.run_until(
        [&] { return std::ranges::all_of(clients, [](const auto& client) { return client->subscribed(); }); },
        "SUBACK");
  }
  usleep(200'000);  // until the server knows that they are away
}

void publish_from(EventLoop& loop, const Server& server, mqtt::ProtocolLevel level, std::size_t first,
                  std::size_t end) {
  std::vector<std::unique_ptr<Publisher>> publishers;
  for (std::size_t i = first; i < end; ++i) {
    publishers.push_back(std::make_unique<Publisher>(loop, server.mqtt_port(), level, waiting_topic(i),
                                                     mqtt::QoS::at_least_once, default_payload_size,
                                                     static_cast<std::uint32_t>(i - first)));
  }
  loop.run_until(
      [&] { return std::ranges::all_of(publishers, [](const auto& one) { return one->connected(); }); },
      "CONNACK");
  const auto is_done = [](const auto& one) { return one->acknowledged() == messages_a_session; };
  while (!std::ranges::all_of(publishers, is_done)) {
    for (const auto& publisher : publishers) publisher->publish_until(messages_a_session);
    loop.turn(std::chrono::milliseconds(1));
  }
}

class Start {
 public:
  Start(std::unique_ptr<Server> server, mqtt::ProtocolLevel level)
      : server_(std::move(server)), level_(level) {
    server_->stop();
    when_empty_ = time_to_start(*server_, level_);
    EventLoop loop;
    leave_sessions(loop, *server_, level_);
    for (std::size_t i = 0; i < waiting_sessions; i += most_publishers) {
      publish_from(loop, *server_, level_, i, std::min<std::size_t>(i + most_publishers, waiting_sessions));
    }
  }

  Sample measure() {
    server_->stop();
    Sample sample{.value = time_to_start(*server_, level_) - when_empty_};
    take(sample);
    sample.resident_bytes = server_->peak_resident_bytes();
    return sample;
  }

 private:
  // One session's messages, another's at each start.
  void take(Sample& sample) {
    EventLoop loop;
    Latencies latencies;
    const std::size_t number = starts_++ % waiting_sessions;
    Subscriber subscriber(loop, server_->mqtt_port(), level_, session_name(number), waiting_topic(number),
                          mqtt::QoS::at_least_once, default_payload_size, latencies, Session::kept);
    loop.run_until([&] { return subscriber.connected(); }, "CONNACK");
    wait_for_arrivals(loop, messages_a_session, [&] { return subscriber.received(); });
    sample.delivered = static_cast<double>(subscriber.received()) / messages_a_session;
    sample.failure = subscriber.failure();
    if (!subscriber.session_present()) sample.failure = "a session was forgotten";
    if (sample.failure.empty() && sample.delivered != 1) sample.failure = "not everything arrived, once";
  }

  std::unique_ptr<Server> server_;
  mqtt::ProtocolLevel level_;
  double when_empty_ = 0;
  std::size_t starts_ = 0;
};

Sides prepare(const Settings& settings) {
  // The nodes are to be there again.
  auto prosody = std::make_unique<Prosody>(Prosody::Queues::large, on_the_store);
  prosody->create_nodes("bench", waiting_sessions);
  const auto gateway = std::make_shared<Start>(std::move(prosody), settings.level);
  const auto mosquitto = std::make_shared<Start>(
      std::make_unique<Mosquitto>(Mosquitto::Persistence::as_by_default), settings.level);
  return {.subject = [=] { return gateway->measure(); }, .reference = [=] { return mosquitto->measure(); }};
}

}  // namespace

std::vector<Row> durable_start_rows() {
  return {{.name = "durable_start",
           .what = "start with 10,000 stored sessions of 10 subscriptions, and 1,000,000 messages",
           .unit = "seconds more than with none",
           .targets = {{.figure = Target::Figure::value, .bound = Target::Bound::at_most, .limit = 5}},
           .prepare = prepare}};
}

}  // namespace pubsub_mqtt::bench
