// kill -9 at random moments under load: what was acknowledged arrives, at QoS 2 once (docs/durability.md). Five kills
// of each kind, or as many as KILLS says.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

constexpr std::string_view load_topic = "pubsub.localhost/utf8/load";

int kills() {
  const char* configured = std::getenv("KILLS");
  return configured == nullptr ? 5 : std::atoi(configured);
}

// A client that comes back whenever its server has gone.
class Returning {
 public:
  Returning(std::uint16_t port, std::string identifier, bool clean_session)
      : port_(port), identifier_(std::move(identifier)), clean_session_(clean_session) {}
  virtual ~Returning() = default;
  Returning(const Returning&) = delete;
  Returning& operator=(const Returning&) = delete;

  void begin() {
    thread_ = std::thread([this] { run(); });
  }
  void join() { thread_.join(); }

 protected:
  // Until it is done; throws where the connection ends.
  virtual void talk(RawMqtt& client, bool session_present) = 0;
  virtual bool is_done() = 0;
  // The server has said something that it must remember.
  void must_be_known() { is_known_ = true; }

 private:
  void run() {
    while (!is_done()) {
      try {
        RawMqtt client(port_);
        const auto connack =
            connect(client, {.clean_session = clean_session_, .client_identifier = identifier_});
        EXPECT_TRUE(connack.session_present || !is_known_) << identifier_ << " was forgotten";
        talk(client, connack.session_present);
        client.send(mqtt::Disconnect{});
        client.wait_for_close();
      } catch (const std::exception&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    }
  }

  std::uint16_t port_;
  std::string identifier_;
  bool clean_session_;
  bool is_known_ = false;
  std::thread thread_;
};

// Publishes one message after the other, some at a time.
class LoadPublisher final : public Returning {
 public:
  LoadPublisher(std::uint16_t port, const std::string& identifier, mqtt::QoS qos)
      : Returning(port, identifier, qos == at_least_once), name_(identifier), qos_(qos) {}

  void finish() { finishing_ = true; }
  // After join().
  const std::vector<std::string>& acknowledged() const { return acknowledged_; }

 private:
  static constexpr std::size_t window = 10;
  struct Sent {
    mqtt::PacketIdentifier packet_identifier = 0;
    std::string payload;
    bool is_received = false;  // PUBREC has come
  };

  bool is_done() override { return finishing_ && sent_.empty(); }

  void talk(RawMqtt& client, bool session_present) override {
    for (auto sent = sent_.begin(); sent != sent_.end();) {
      if (!session_present && sent->is_received) {
        sent = sent_.erase(sent);
        continue;
      }
      if (sent->is_received) {
        client.send(mqtt::Pubrel{.packet_identifier = sent->packet_identifier});
      } else {
        publish(client, *sent, session_present);
      }
      ++sent;
    }
    while (!is_done()) {
      while (!finishing_ && sent_.size() < window) publish_next(client);
      take(client.read(), client);
    }
  }

  void publish_next(RawMqtt& client) {
    if (++last_identifier_ == 0) ++last_identifier_;
    sent_.push_back(
        {.packet_identifier = last_identifier_, .payload = name_ + ' ' + std::to_string(++count_)});
    publish(client, sent_.back(), false);
  }

  void publish(RawMqtt& client, const Sent& sent, bool dup) const {
    client.send(mqtt::Publish{.topic = load_topic,
                              .payload = sent.payload,
                              .qos = qos_,
                              .dup = dup,
                              .packet_identifier = sent.packet_identifier});
  }

  void take(const mqtt::Packet& packet, RawMqtt& client) {
    if (const auto* puback = std::get_if<mqtt::Puback>(&packet)) {
      const auto sent = find(puback->packet_identifier);
      acknowledged_.push_back(sent->payload);
      sent_.erase(sent);
    } else if (const auto* pubrec = std::get_if<mqtt::Pubrec>(&packet)) {
      must_be_known();
      const auto sent = find(pubrec->packet_identifier);
      acknowledged_.push_back(sent->payload);
      sent->is_received = true;
      client.send(mqtt::Pubrel{.packet_identifier = pubrec->packet_identifier});
    } else {
      sent_.erase(find(std::get<mqtt::Pubcomp>(packet).packet_identifier));
    }
  }

  std::deque<Sent>::iterator find(mqtt::PacketIdentifier packet_identifier) {
    return std::find_if(sent_.begin(), sent_.end(),
                        [&](const Sent& sent) { return sent.packet_identifier == packet_identifier; });
  }

  std::string name_;
  mqtt::QoS qos_;
  std::atomic<bool> finishing_ = false;
  std::deque<Sent> sent_;
  std::vector<std::string> acknowledged_;
  mqtt::PacketIdentifier last_identifier_ = 0;
  int count_ = 0;
};

// Takes what comes until it has all that it is to have.
class LoadSubscriber final : public Returning {
 public:
  LoadSubscriber(std::uint16_t port, const std::string& identifier, mqtt::QoS qos,
                 std::string_view filter = load_topic)
      : Returning(port, identifier, false), qos_(qos), filter_(filter) {}

  // Subscribes, and is away until begin().
  void subscribe(std::uint16_t port, std::string_view identifier) {
    RawMqtt client = with_session(port, identifier);
    EXPECT_EQ(client.subscribe(filter_, qos_), mqtt::granted(qos_));
    must_be_known();
    disconnect(client);
  }

  // It ends when it has these, or has waited for them in vain.
  void expect(std::set<std::string> payloads) {
    const std::lock_guard lock(mutex_);
    missing_ = std::move(payloads);
    for (const auto& [payload, count] : received_) missing_.erase(payload);
    ends_at_ = Clock::now() + std::chrono::seconds(20);
  }

  // After join(): how often each came.
  const std::map<std::string, int>& received() const { return received_; }
  const std::set<std::string>& missing() const { return missing_; }

 private:
  using Clock = std::chrono::steady_clock;

  bool is_done() override {
    const std::lock_guard lock(mutex_);
    return ends_at_ && (missing_.empty() || Clock::now() > *ends_at_);
  }

  void talk(RawMqtt& client, bool /*session_present*/) override {
    while (!is_done()) {
      client.send(mqtt::Pingreq{});
      while (take(client.read(), client)) continue;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // Returns false where the server has sent all that it had.
  bool take(const mqtt::Packet& packet, RawMqtt& client) {
    if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) {
      if (publish->qos == at_least_once) {
        count(publish->payload);
        client.send(mqtt::Puback{.packet_identifier = publish->packet_identifier});
      } else {
        if (unreleased_.insert(publish->packet_identifier).second) count(publish->payload);
        client.send(mqtt::Pubrec{.packet_identifier = publish->packet_identifier});
      }
    } else if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
      unreleased_.erase(pubrel->packet_identifier);
      client.send(mqtt::Pubcomp{.packet_identifier = pubrel->packet_identifier});
    }
    return !std::holds_alternative<mqtt::Pingresp>(packet);
  }

  void count(std::string_view payload) {
    const std::lock_guard lock(mutex_);
    ++received_[std::string(payload)];
    missing_.erase(std::string(payload));
  }

  mqtt::QoS qos_;
  std::string filter_;
  std::set<mqtt::PacketIdentifier> unreleased_;
  std::mutex mutex_;
  std::map<std::string, int> received_;
  std::set<std::string> missing_;
  std::optional<Clock::time_point> ends_at_;
};

class Kill : public testing::TestWithParam<bool> {
 protected:
  Prosody prosody;
};

TEST_P(Kill, LosesNothingThatWasAcknowledged) {
  Configuration configuration;
  // Limits that a queue of the whole test is within.
  configuration.global = "mqtt_max_queued_messages = 1000000; mqtt_node_defaults = { persist_items = " +
                         std::string(GetParam() ? "true" : "false") + " }";
  prosody.start(configuration);
  const std::uint16_t port = prosody.mqtt_port();

  LoadSubscriber fast_1(port, "fast 1", at_least_once);
  LoadSubscriber fast_2(port, "fast 2", exactly_once);
  LoadSubscriber away_1(port, "away 1", at_least_once);
  LoadSubscriber away_2(port, "away 2", exactly_once);
  LoadSubscriber member(port, "member", at_least_once, "$share/group/pubsub.localhost/utf8/load");
  const std::map<std::string, LoadSubscriber*> subscribers{{"fast 1", &fast_1},
                                                           {"fast 2", &fast_2},
                                                           {"away 1", &away_1},
                                                           {"away 2", &away_2},
                                                           {"member", &member}};
  for (const auto& [name, subscriber] : subscribers) subscriber->subscribe(port, name);
  LoadPublisher publisher_1(port, "one", at_least_once);
  LoadPublisher publisher_2(port, "two", exactly_once);
  for (LoadSubscriber* subscriber : {&fast_1, &fast_2, &member}) subscriber->begin();
  publisher_1.begin();
  publisher_2.begin();

  std::minstd_rand random(std::random_device{}());
  for (int kill = 0; kill < kills(); ++kill) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 400));
    prosody.send_signal(SIGKILL);
    prosody.wait_for_end();
    prosody.start(configuration);
  }
  publisher_1.finish();
  publisher_2.finish();
  publisher_1.join();
  publisher_2.join();

  std::set<std::string> all(publisher_1.acknowledged().begin(), publisher_1.acknowledged().end());
  all.insert(publisher_2.acknowledged().begin(), publisher_2.acknowledged().end());
  away_1.begin();
  away_2.begin();
  for (const auto& [name, subscriber] : subscribers) subscriber->expect(all);
  for (const auto& [name, subscriber] : subscribers) subscriber->join();
  for (const auto& [name, subscriber] : subscribers) {
    EXPECT_TRUE(subscriber->missing().empty()) << name << " misses " << subscriber->missing().size() << " of "
                                               << all.size() << ", " << *subscriber->missing().begin();
  }
  for (const auto& [name, subscriber] : {std::pair("fast 2", &fast_2), std::pair("away 2", &away_2)}) {
    for (const auto& payload : publisher_2.acknowledged()) {
      const auto received = subscriber->received().find(payload);
      if (received == subscriber->received().end()) continue;
      EXPECT_EQ(received->second, 1) << name << " has " << payload << " more than once";
    }
  }
  RecordProperty("acknowledged", std::to_string(all.size()));
  EXPECT_GT(all.size(), 100U);
}

INSTANTIATE_TEST_SUITE_P(ThroughPubsub, Kill, testing::Values(true));
INSTANTIATE_TEST_SUITE_P(OnTheDirectWay, Kill, testing::Values(false));

}  // namespace
}  // namespace pubsub_mqtt::tests
