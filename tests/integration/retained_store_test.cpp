// Retained messages in the store: written before they are acknowledged, and taken over from where earlier versions kept
// them (docs/durability.md).
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <string>

#include "prosody.h"
#include "retained_fixture.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

class StoreOfRetained : public Retained {
 protected:
  void SetUp() override {}  // each test has a configuration of its own

  static Configuration not_persistent(std::string global = {}) {
    return {.global = std::move(global), .component = R"(
      modules_enabled = { "pubsub_mqtt" }
      mqtt_node_defaults = { persist_items = false }
      autocreate_on_publish = true)"};
  }
  void retain_many(int nodes, mqtt::QoS qos) {
    RawMqtt client = connected(prosody.mqtt_port(), "publisher");
    for (int i = 0; i < nodes; ++i) {
      publish(client, {.topic = topic + std::to_string(i), .payload = "1", .qos = qos, .retain = true});
    }
  }
  std::set<std::string> topics(std::size_t at_least) {
    RawMqtt reader = connected(prosody.mqtt_port(), "reader");
    reader.subscribe("#");
    std::set<std::string> topics;
    while (topics.size() < at_least) topics.insert(next_message(reader).topic);
    return topics;
  }
  void kill_and_start(const Configuration& configuration) {
    prosody.send_signal(SIGKILL);
    prosody.wait_for_end();
    prosody.start(configuration);
  }
};

TEST_F(StoreOfRetained, LosesNothingThatWasAcknowledgedInAKill) {
  constexpr int nodes = 300;
  for (const auto qos : {at_least_once, exactly_once}) {
    prosody.start(not_persistent());
    retain_many(nodes, qos);
    kill_and_start(not_persistent());
    EXPECT_EQ(topics(nodes).size(), static_cast<std::size_t>(nodes));
    publish_once({.topic = topic + std::string("0"), .payload = "", .qos = qos, .retain = true});
    publish_once({.topic = topic + std::string("1"), .payload = "newer", .qos = qos, .retain = true});
    kill_and_start(not_persistent());
    EXPECT_TRUE(retained(topic + std::string("0")).empty());
    EXPECT_EQ(retained(topic + std::string("1")).at(0).payload, "newer");
    prosody.stop();
  }
}

TEST_F(StoreOfRetained, KeepsTheLastAtQos0OverACleanEnd) {
  prosody.start(not_persistent());
  {
    RawMqtt client = connected(prosody.mqtt_port(), "publisher");
    for (int i = 0; i <= 1000; ++i) {
      client.send(mqtt::Publish{.topic = topic, .payload = std::to_string(i), .retain = true});
    }
    disconnect(client);
  }
  EXPECT_EQ(prosody.stop().status, 0);
  prosody.start(not_persistent());
  EXPECT_EQ(retained(), only("1000", 0));
}

TEST_F(StoreOfRetained, InMemoryTheyEndWithTheProcess) {
  prosody.start(not_persistent("mqtt_durability = \"memory\""));
  retain("1");
  EXPECT_EQ(retained(), only("1"));
  EXPECT_EQ(prosody.stop().status, 0);
  prosody.start(not_persistent("mqtt_durability = \"memory\""));
  EXPECT_TRUE(retained().empty());
  EXPECT_FALSE(std::filesystem::exists(prosody.folder().path("data/pubsub_mqtt.sqlite")));
}

// What cannot be written stays in memory, and nobody waits for it.
TEST_F(StoreOfRetained, WithoutAStoreTheyAreServedAllTheSame) {
  prosody.start(not_persistent("mqtt_store = \"nowhere/store.sqlite\""));
  retain("1");
  EXPECT_EQ(retained(), only("1"));
  prosody.shell(R"(module:reload("pubsub_mqtt"))");
  EXPECT_EQ(retained(), only("1"));
}

// As an earlier version has left it: in a store of Prosody's, and in none of ours.
class EarlierRetained : public StoreOfRetained {
 protected:
  void SetUp() override {
    prosody.start(configuration);
    retain("of the store");
    keep_as_earlier(
        "node",
        R"({ type = "binary", payload = "YQD/", element = [[<data xmlns="urn:xmpp:bob" cid="sha1+x">YQD/</data>]],
        qos = 2, publisher = "5", time = os.time(), node = marker("node"), properties = "AQE=" })");
    keep_as_earlier(
        "gone", R"({ type = "utf8", payload = "1", element = "<x/>", qos = 0, time = 1, node = "other" })");
    prosody.stop();
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(prosody.folder().path("data/pubsub_mqtt.sqlite") + suffix);
    }
    prosody.start(configuration);
  }
  void keep_as_earlier(const std::string& node, std::string message) {
    std::erase(message, '\n');
    prosody.shell(
        ">do local function marker(node) return "
        "prosody.hosts['pubsub.localhost'].modules.pubsub.get_service()"
        ".nodes[node].config.pubsub_mqtt_node end "
        "require 'core.storagemanager'.open('pubsub.localhost', 'pubsub_mqtt_retained'):set('" +
        node + "', " + message + ") end");
  }
  bool is_left() {
    const std::string answer = prosody.shell(
        ">#require 'util.array'.collect(require 'core.storagemanager'.open('pubsub.localhost', "
        "'pubsub_mqtt_retained'):users())");
    return answer.find('0') == std::string::npos;
  }

  const Configuration configuration = not_persistent();
};

TEST_F(EarlierRetained, AreTakenOverOnce) {
  const std::vector<Message> taken_over{{.topic = "pubsub.localhost/binary/node",
                                         .payload = std::string("a\0\xFF", 3),
                                         .qos = 2,
                                         .retain = true}};
  const std::string filter = "pubsub.localhost/binary/node";
  EXPECT_EQ(retained(filter), taken_over);
  prosody.log().wait_for("info\t2 retained messages of pubsub.localhost are in mqtt_store now");
  EXPECT_FALSE(is_left());
  kill_and_start(configuration);
  EXPECT_EQ(retained(filter), taken_over);
  publish_once({.topic = filter, .payload = "", .qos = at_least_once, .retain = true});
  kill_and_start(configuration);
  EXPECT_TRUE(retained("#").empty());
}

// Nothing of it comes back that was changed since, though it is still there.
TEST_F(EarlierRetained, AreNotTakenOverASecondTime) {
  prosody.log().wait_for("are in mqtt_store now");
  keep_as_earlier("node",
                  R"({ type = "utf8", payload = "old", qos = 1,
        element = "<data xmlns='https://prosody.im/protocol/mqtt'>old</data>",
        time = os.time(), node = marker("node") })");
  publish_once({.topic = topic, .payload = "", .qos = at_least_once, .retain = true});
  kill_and_start(configuration);
  EXPECT_TRUE(retained("#").empty());
  prosody.log().wait_for("are in mqtt_store now");
  EXPECT_FALSE(is_left());
}

}  // namespace
}  // namespace pubsub_mqtt::tests
