// kill -9 at random moments under load: what was acknowledged arrives, at QoS 2 once, and is retained, and wills of
// those who do not come back go out (docs/durability.md). Ten kills of each kind, or as many as KILLS says.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kills.h"
#include "publish_window.h"
#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

constexpr std::string_view load_topic = "pubsub.localhost/utf8/load";
constexpr std::string_view wills_topic = "pubsub.localhost/utf8/wills";
constexpr int retained_topics = 20;

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
  // Where the test ends before its time.
  void give_up() {
    gives_up_ = true;
    if (thread_.joinable()) thread_.join();
  }

 protected:
  // Until it is over; throws where the connection ends.
  virtual void talk(RawMqtt& client, bool session_present) = 0;
  virtual bool is_done() = 0;
  bool is_over() { return gives_up_ || is_done(); }
  // The server has said something that it must remember.
  void must_be_known() { is_known_ = true; }

 private:
  void run() {
    while (!is_over()) {
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
  std::atomic<bool> gives_up_ = false;
  std::thread thread_;
};

// None of them outlives this, whatever is thrown.
class TheirEnd {
 public:
  explicit TheirEnd(std::vector<Returning*> all) : all_(std::move(all)) {}
  ~TheirEnd() {
    for (Returning* each : all_) each->give_up();
  }
  TheirEnd(const TheirEnd&) = delete;
  TheirEnd& operator=(const TheirEnd&) = delete;

 private:
  std::vector<Returning*> all_;
};

// Publishes one message after the other, some at a time; where they are retained, on many topics in turn.
class LoadPublisher final : public Returning {
 public:
  LoadPublisher(std::uint16_t port, const std::string& identifier, mqtt::QoS qos, bool retain = false)
      : Returning(port, identifier, qos == at_least_once),
        name_(identifier),
        window_(qos, retain),
        retain_(retain) {}

  void finish() { finishing_ = true; }
  // After join().
  const std::vector<std::string>& acknowledged() const { return acknowledged_; }
  // Of those that are retained: the number that each topic has at least.
  std::map<std::string, int> last_acknowledged() const {
    const std::lock_guard lock(mutex_);
    return last_acknowledged_;
  }

 private:
  bool is_done() override { return finishing_ && window_.empty(); }

  void talk(RawMqtt& client, bool session_present) override {
    window_.send_again(client, session_present);
    while (!is_over()) {
      while (!finishing_ && !window_.is_full()) publish_next(client);
      const auto packet = client.read();
      if (std::holds_alternative<mqtt::Pubrec>(packet)) must_be_known();
      if (const auto taken = window_.take(packet)) acknowledged(*taken);
      PublishWindow::answer(packet, client);
    }
  }

  void publish_next(RawMqtt& client) {
    ++count_;
    if (retain_) {
      window_.publish(client, name_ + std::to_string(count_ % retained_topics), std::to_string(count_));
    } else {
      window_.publish(client, std::string(load_topic), name_ + ' ' + std::to_string(count_));
    }
  }

  void acknowledged(const PublishWindow::Message& message) {
    if (!retain_) return acknowledged_.push_back(message.payload);
    const std::lock_guard lock(mutex_);
    int& last = last_acknowledged_[message.topic];
    last = std::max(last, std::stoi(message.payload));
  }

  std::string name_;  // where they are retained: with what their topics begin
  PublishWindow window_;
  bool retain_;
  mutable std::mutex mutex_;
  std::map<std::string, int> last_acknowledged_;  // with the mutex
  std::atomic<bool> finishing_ = false;
  std::vector<std::string> acknowledged_;
  int count_ = 0;
};

// Takes what comes until it has all that it is to have.
class LoadSubscriber final : public Returning {
 public:
  LoadSubscriber(std::uint16_t port, const std::string& identifier, mqtt::QoS qos,
                 std::string_view filter = load_topic)
      : Returning(port, identifier, false), qos_(qos), filter_(filter) {}

  // Takes no more than so many messages a second, until it is told what to expect.
  void read_slowly(int messages_a_second) { pause_ = std::chrono::microseconds(1000000 / messages_a_second); }

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
    ends_at_ = Clock::now() + patience;
  }

  // After join(): how often each came.
  const std::map<std::string, int>& received() const { return received_; }
  const std::set<std::string>& missing() const { return missing_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds patience{20};

  bool is_done() override {
    const std::lock_guard lock(mutex_);
    return ends_at_ && (missing_.empty() || Clock::now() > *ends_at_);
  }

  void talk(RawMqtt& client, bool /*session_present*/) override {
    while (!is_over()) {
      client.send(mqtt::Pingreq{});
      while (take(client.read(), client)) {
        if (is_slow()) std::this_thread::sleep_for(pause_);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  bool is_slow() {
    const std::lock_guard lock(mutex_);
    return pause_.count() > 0 && !ends_at_;
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
    if (ends_at_) ends_at_ = Clock::now() + patience;
  }

  mqtt::QoS qos_;
  std::string filter_;
  std::chrono::microseconds pause_{0};
  std::set<mqtt::PacketIdentifier> unreleased_;
  std::mutex mutex_;
  std::map<std::string, int> received_;
  std::set<std::string> missing_;
  std::optional<Clock::time_point> ends_at_;
};

// Clients with wills, of both kinds of sessions. Some are connected when the server is killed, and stay away; others
// come back in time, and take their leave.
class WillClients {
 public:
  explicit WillClients(std::uint16_t port) : port_(port) {}

  // Returns when the server has stored their wills: what it acknowledges comes after these.
  void connect(int round) {
    for (const bool clean_session : {true, false}) {
      const std::string kind = clean_session ? "clean " : "stored ";
      connect(clean_session, kind + "away " + std::to_string(round), 3);
      expected_.insert(kind + "away " + std::to_string(round));
      connect(clean_session, kind + "back " + std::to_string(round), 600);
    }
  }
  void come_back(int round) {
    clients_.clear();
    for (const bool clean_session : {true, false}) {
      RawMqtt client(port_);
      const std::string identifier = (clean_session ? "clean back " : "stored back ") + std::to_string(round);
      tests::connect(client, {.clean_session = clean_session, .client_identifier = identifier});
      disconnect(client);
    }
  }
  const std::set<std::string>& expected() const { return expected_; }

 private:
  void connect(bool clean_session, const std::string& identifier, std::uint16_t keep_alive) {
    auto client = std::make_unique<RawMqtt>(port_);
    tests::connect(
        *client, {.clean_session = clean_session,
                  .keep_alive = keep_alive,
                  .client_identifier = identifier,
                  .will = mqtt::Publish{.topic = wills_topic, .payload = identifier, .qos = at_least_once}});
    publish(*client, {.topic = load_topic, .payload = identifier, .qos = at_least_once});
    clients_.push_back(std::move(client));
  }

  std::uint16_t port_;
  std::set<std::string> expected_;
  std::vector<std::unique_ptr<RawMqtt>> clients_;
};

// Which way a message takes, and where its item goes.
struct Way {
  std::string name;
  bool is_seen = true;         // by others than MQTT: by a module that writes down what is published
  bool is_stored = false;      // what is published, in the store
  std::string component = {};  // of its configuration
};

class Kill : public testing::TestWithParam<Way> {
 protected:
  Kill() {
    // Limits that a queue of the whole test is within.
    configuration.global =
        "mqtt_max_queued_messages = 1000000; mqtt_max_queued_bytes = 2^30; mqtt_max_total_queued_bytes = "
        "2^32; item_log = \"" +
        prosody.folder().path("items") + '"';
    configuration.component =
        std::string("modules_enabled = { \"pubsub_mqtt\"") + (GetParam().is_seen ? ", \"item_log\"" : "") +
        " }; autocreate_on_publish = true; autocreate_on_subscribe = true; " + GetParam().component;
  }

  void kill_and_start() {
    prosody.send_signal(SIGKILL);
    prosody.wait_for_end();
    prosody.start(configuration);
  }
  // What they have acknowledged is retained, or something newer.
  void check_retained(const std::map<std::string, int>& at_least) const {
    RawMqtt reader = connected(prosody.mqtt_port(), "");
    for (const auto& [topic, number] : at_least) {
      ASSERT_EQ(reader.subscribe(topic), mqtt::granted(at_most_once));
      const auto message = messages_so_far(reader);
      ASSERT_FALSE(message.empty()) << topic << " retains nothing, and not " << number;
      EXPECT_GE(std::stoi(message[0].payload), number) << topic;
      reader.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {topic}});
      while (!std::holds_alternative<mqtt::Unsuback>(reader.read())) continue;
    }
  }
  // Nobody waits so long for the store that he gives up.
  void check_log() {
    for (const char* complaint : {"cannot be opened", "cannot be read", "cannot be written"}) {
      EXPECT_EQ(prosody.log().count(complaint), 0U) << complaint;
    }
  }
  // Of what has come at QoS 2, no two of the newest items are the same.
  void check_items() const {
    if (!GetParam().is_stored) return;
    sqlite3* store = nullptr;
    ASSERT_EQ(sqlite3_open(prosody.folder().path("data/pubsub_mqtt.sqlite").c_str(), &store), SQLITE_OK);
    sqlite3_busy_timeout(store, 10000);
    const auto add = [](void* failures, int /*columns*/, char** values, char** /*names*/) {
      *static_cast<std::string*>(failures) += std::string(values[0]) + '\n';
      return 0;
    };
    std::string twice;
    const char* sql =
        "SELECT value FROM item WHERE value LIKE 'two %' GROUP BY store, value HAVING count(*) > 1";
    EXPECT_EQ(sqlite3_exec(store, sql, add, &twice, nullptr), SQLITE_OK);
    sqlite3_close(store);
    EXPECT_EQ(twice, "");
  }
  // How often pubsub has published each item.
  std::map<std::string, int> items() const {
    std::map<std::string, int> counts;
    std::ifstream lines(prosody.folder().path("items"));
    for (std::string line; std::getline(lines, line);) ++counts[line];
    return counts;
  }

  Configuration configuration;
  Prosody prosody;
};

TEST_P(Kill, LosesNothingThatWasAcknowledged) {
  prosody.start(configuration);
  const std::uint16_t port = prosody.mqtt_port();

  LoadSubscriber fast_1(port, "fast 1", at_least_once);
  LoadSubscriber fast_2(port, "fast 2", exactly_once);
  LoadSubscriber slow_1(port, "slow 1", at_least_once);
  LoadSubscriber slow_2(port, "slow 2", exactly_once);
  LoadSubscriber away_1(port, "away 1", at_least_once);
  LoadSubscriber away_2(port, "away 2", exactly_once);
  LoadSubscriber member_1(port, "member 1", at_least_once, "$share/group/pubsub.localhost/utf8/load");
  LoadSubscriber member_2(port, "member 2", exactly_once, "$share/other/pubsub.localhost/utf8/load");
  LoadSubscriber wills(port, "wills", at_least_once, wills_topic);
  slow_1.read_slowly(200);
  slow_2.read_slowly(200);
  const std::map<std::string, LoadSubscriber*> subscribers{
      {"fast 1", &fast_1}, {"fast 2", &fast_2}, {"slow 1", &slow_1},     {"slow 2", &slow_2},
      {"away 1", &away_1}, {"away 2", &away_2}, {"member 1", &member_1}, {"member 2", &member_2}};
  for (const auto& [name, subscriber] : subscribers) subscriber->subscribe(port, name);
  wills.subscribe(port, "wills");
  LoadPublisher publisher_1(port, "one", at_least_once);
  LoadPublisher publisher_2(port, "two", exactly_once);
  LoadPublisher retaining_1(port, "pubsub.localhost/utf8/one", at_least_once, true);
  LoadPublisher retaining_2(port, "pubsub.localhost/utf8/two", exactly_once, true);
  const std::vector<LoadPublisher*> publishers{&publisher_1, &publisher_2, &retaining_1, &retaining_2};
  std::vector<Returning*> all_clients{&wills};
  for (const auto& [name, subscriber] : subscribers) all_clients.push_back(subscriber);
  all_clients.insert(all_clients.end(), publishers.begin(), publishers.end());
  const TheirEnd end_of_all(std::move(all_clients));
  WillClients will_clients(port);
  for (LoadSubscriber* subscriber : {&fast_1, &fast_2, &slow_1, &slow_2, &member_1, &member_2, &wills}) {
    subscriber->begin();
  }
  for (LoadPublisher* publisher : publishers) publisher->begin();

  std::minstd_rand random(std::random_device{}());
  for (int kill = 0; kill < kills(10); ++kill) {
    will_clients.connect(kill);
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 400));
    kill_and_start();
    will_clients.come_back(kill);
    for (const LoadPublisher* publisher : {&retaining_1, &retaining_2}) {
      check_retained(publisher->last_acknowledged());
    }
    check_items();
    check_log();
    if (HasFailure()) return;  // with the log of this process
  }
  for (LoadPublisher* publisher : publishers) publisher->finish();
  for (LoadPublisher* publisher : publishers) publisher->join();

  std::set<std::string> all(publisher_1.acknowledged().begin(), publisher_1.acknowledged().end());
  all.insert(publisher_2.acknowledged().begin(), publisher_2.acknowledged().end());
  away_1.begin();
  away_2.begin();
  for (const auto& [name, subscriber] : subscribers) subscriber->expect(all);
  wills.expect(will_clients.expected());
  for (const auto& [name, subscriber] : subscribers) subscriber->join();
  wills.join();
  for (const auto& [name, subscriber] : subscribers) {
    EXPECT_TRUE(subscriber->missing().empty()) << name << " misses " << subscriber->missing().size() << " of "
                                               << all.size() << ", " << *subscriber->missing().begin();
  }
  EXPECT_TRUE(wills.missing().empty())
      << "missing: " << wills.missing().size() << ", " << *wills.missing().begin();
  for (const auto& [payload, times] : wills.received()) {
    EXPECT_TRUE(will_clients.expected().contains(payload))
        << payload << " came back, and its will was published";
  }
  for (const char* name : {"fast 2", "slow 2", "away 2", "member 2"}) {
    const LoadSubscriber& subscriber = *subscribers.at(name);
    for (const auto& payload : publisher_2.acknowledged()) {
      const auto received = subscriber.received().find(payload);
      if (received == subscriber.received().end()) continue;
      EXPECT_EQ(received->second, 1) << name << " has " << payload << " more than once";
    }
  }
  const auto published = items();
  for (const auto& payload : publisher_2.acknowledged()) {
    const auto item = published.find(payload);
    const int times = item == published.end() ? 0 : item->second;
    EXPECT_LE(times, 1) << payload << " was published more than once";
  }
  for (const LoadPublisher* publisher : {&retaining_1, &retaining_2}) {
    check_retained(publisher->last_acknowledged());
  }
  RecordProperty("acknowledged", std::to_string(all.size()));
  RecordProperty("items", std::to_string(published.size()));
  EXPECT_GT(all.size(), 100U);
}

INSTANTIATE_TEST_SUITE_P(, Kill,
                         testing::Values(Way{.name = "ThroughPubsub"},
                                         Way{.name = "WithItemsInTheStore",
                                             .is_seen = false,
                                             .is_stored = true,
                                             .component = "storage = { pubsub_data = \"pubsub_mqtt\" }; "
                                                          "pubsub_max_items = 1000; "
                                                          "mqtt_node_defaults = { max_items = 1000 }"},
                                         Way{.name = "OnTheDirectWay",
                                             .is_seen = false,
                                             .component = "mqtt_node_defaults = { persist_items = false }"}),
                         [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace pubsub_mqtt::tests
