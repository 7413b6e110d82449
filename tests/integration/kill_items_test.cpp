// kill -9 at random moments while MQTT publishes to nodes that persist in the gateway's store: each item that was
// acknowledged is there afterwards, whole, at QoS 2 once (docs/durability.md). Five kills, or as many as KILLS says.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "kills.h"
#include "publish_window.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

// Nodes that keep all of their items.
const Configuration keeps_items{.global = "mqtt_node_defaults = { max_items = 1000000 }", .component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "pubsub_mqtt"
    pubsub_max_items = 1000000
    autocreate_on_publish = true)"};

// Publishes numbers, some at a time, and again what was not acknowledged when its server ended.
class ItemPublisher {
 public:
  ItemPublisher(std::string name, mqtt::QoS qos) : name_(std::move(name)), qos_(qos), window_(qos, false) {}

  // Until the server ends, to a node of this round's own.
  void talk(std::uint16_t port, int round) {
    node_ = name_ + std::to_string(round);
    try {
      run(port, true);
    } catch (const std::exception&) {  // the server has ended
    }
  }
  // Until all is acknowledged.
  void finish(std::uint16_t port) { run(port, false); }

  // By node: payloads, and how often each was sent at most.
  const std::map<std::string, std::map<std::string, int>>& acknowledged() const { return acknowledged_; }

 private:
  void run(std::uint16_t port, bool goes_on) {
    RawMqtt client(port);
    const auto connack =
        connect(client, {.clean_session = qos_ == at_least_once, .client_identifier = name_});
    EXPECT_TRUE(connack.session_present || !is_known_) << name_ << " was forgotten";
    window_.send_again(client, connack.session_present);
    while (goes_on || !window_.empty()) {
      while (goes_on && !window_.is_full()) {
        window_.publish(client, topic_of_nodes + node_, std::to_string(++last_payload_));
      }
      const auto packet = client.read();
      is_known_ = is_known_ || std::holds_alternative<mqtt::Pubrec>(packet);
      if (const auto taken = window_.take(packet)) {
        acknowledged_[taken->topic.substr(topic_of_nodes.size())].emplace(taken->payload, taken->times_sent);
      }
      PublishWindow::answer(packet, client);
    }
  }

  const std::string topic_of_nodes = "pubsub.localhost/utf8/";
  std::string name_;
  mqtt::QoS qos_;
  std::string node_;
  bool is_known_ = false;  // the server has said something that it must remember
  PublishWindow window_;
  std::map<std::string, std::map<std::string, int>> acknowledged_;
  int last_payload_ = 0;
};

// A process that writes to the store: what is posted meanwhile is not committed, and fails after half a second.
class OtherWriter {
 public:
  explicit OtherWriter(const std::string& path) {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
    handle_.reset(handle);
    sqlite3_busy_timeout(handle, 10000);
    EXPECT_EQ(sqlite3_exec(handle, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

class KillOfItems : public testing::Test {
 protected:
  // Whether one of several clients, each with a node of its own, is told that its item is stored while nothing can be.
  // Throws where it has taken too long to find out.
  bool is_any_acknowledged_too_early() {
    const std::vector<std::string> topics{"pubsub.localhost/utf8/1", "pubsub.localhost/utf8/2",
                                          "pubsub.localhost/utf8/3", "pubsub.localhost/utf8/4"};
    RawMqtt reader = connected(prosody.mqtt_port(), "");
    std::vector<RawMqtt> clients;
    for (const auto& each : topics) {
      reader.subscribe(each);
      RawMqtt first = connected(prosody.mqtt_port(), "");
      publish(first, {.topic = each, .payload = "first", .qos = at_least_once});
      receive(reader);
      clients.push_back(connected(prosody.mqtt_port(), ""));  // of which pubsub judges the right to publish
    }
    const OtherWriter other(prosody.folder().path("data/pubsub_mqtt.sqlite"));
    for (std::size_t i = 0; i < topics.size(); ++i) {
      clients[i].send(mqtt::Publish{
          .topic = topics[i], .payload = "second", .qos = at_least_once, .packet_identifier = 1});
    }
    for (std::size_t i = 0; i < topics.size(); ++i) receive(reader);  // its PublishReply comes along
    bool is_any = false;
    for (RawMqtt& client : clients) {
      client.send(mqtt::Pingreq{});
      if (std::holds_alternative<mqtt::Puback>(client.read())) is_any = true;
    }
    return is_any;
  }

  // Payloads, and how often each is an item of the node.
  std::map<std::string, int> items(const std::string& node) const {
    XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
    std::map<std::string, int> counts;
    for (const auto& item : admin.items(node)) {
      pugi::xml_document payload;
      payload.load_string(item.payload.c_str());
      ++counts[payload.document_element().text().get()];
    }
    return counts;
  }

  void check(const ItemPublisher& publisher, mqtt::QoS qos) const {
    for (const auto& [node, payloads] : publisher.acknowledged()) {
      const auto stored = items(node);
      std::vector<std::string> lost;
      std::vector<std::string> repeated;
      for (const auto& [payload, times_sent] : payloads) {
        const auto found = stored.find(payload);
        if (found == stored.end()) {
          lost.push_back(payload);
        } else if (found->second > (qos == exactly_once ? 1 : times_sent)) {
          repeated.push_back(payload);
        }
      }
      EXPECT_TRUE(lost.empty()) << node << " has lost " << lost.size() << " of " << payloads.size() << ", "
                                << lost.front();
      EXPECT_TRUE(repeated.empty()) << node << " has " << repeated.size() << " more than once, "
                                    << repeated.front();
      EXPECT_EQ(stored.size() + lost.size(), payloads.size()) << node << " has what nobody has published";
    }
  }

  Prosody prosody;
};

TEST_F(KillOfItems, LosesNoneThatWasAcknowledged) {
  prosody.start(keeps_items);
  ItemPublisher once("once", exactly_once);
  ItemPublisher at_least("atleast", at_least_once);
  std::minstd_rand random(std::random_device{}());
  for (int kill = 0; kill < kills(5); ++kill) {
    std::thread first([&] { once.talk(prosody.mqtt_port(), kill); });
    std::thread second([&] { at_least.talk(prosody.mqtt_port(), kill); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 300));
    prosody.send_signal(SIGKILL);
    first.join();
    second.join();
    prosody.wait_for_end();
    prosody.start(keeps_items);
  }
  once.finish(prosody.mqtt_port());
  at_least.finish(prosody.mqtt_port());
  check(once, exactly_once);
  check(at_least, at_least_once);
  EXPECT_EQ(prosody.log().count("is damaged"), 0U);
  std::size_t total = 0;
  for (const ItemPublisher* publisher : {&once, &at_least}) {
    for (const auto& [node, payloads] : publisher->acknowledged()) total += payloads.size();
  }
  RecordProperty("acknowledged", std::to_string(total));
  EXPECT_GT(total, 100U);
}

// Those that come while a commit is under way share the next one.
TEST_F(KillOfItems, NoneIsAcknowledgedBeforeItsCommit) {
  prosody.start(keeps_items);
  for (int attempt = 0; attempt < 5; ++attempt) {
    try {
      EXPECT_FALSE(is_any_acknowledged_too_early());
      return;
    } catch (const std::exception&) {  // the store has given up before
      continue;
    }
  }
  FAIL() << "the store gives up before four publishes are carried out";
}

}  // namespace
}  // namespace pubsub_mqtt::tests
